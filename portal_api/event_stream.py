"""One listener: what it may see, and what waits to be written to it, of each thing the newest alone."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from isocket.storage.telemetry import NewsCursor
from portal_api.owned import Standing

MOST_WAITING = 500  # incidents, commands and sockets gained or lost; of states there is one a socket
_PARTS = 3


class Kind(StrEnum):
    """What an event is about; its name on the wire."""

    STATE = "state"
    INCIDENT = "incident"
    COMMAND = "command"
    DEVICE = "device"
    RESET = "reset"
    END = "end"


class Ending(StrEnum):
    """Why a stream ends, in a word for programs."""

    ACCESS = "access-ended"
    SLOW = "too-slow"
    RESTART = "restarting"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a listener has got: in what sockets say, and in what becomes of records."""

    place: NewsCursor
    change: int

    def __str__(self) -> str:
        return f"{self.place[0]}.{self.place[1]}.{self.change}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """Return the position that was sent as an event's id, None where the text is none of ours."""
        parts = text.split(".")
        if len(parts) != _PARTS or not all(each.isascii() and each.isdecimal() and len(each) < 19 for each in parts):  # noqa: PLR2004 - what fits into 64 bits
            return None
        said, came, change = map(int, parts)
        return cls((said, came), change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who listens, by what they came in, and what they may see now."""

    account_id: str
    credentials: frozenset[str]  # ids of the account and of the session or token: when one changes, ask again
    kinds: frozenset[Kind]
    whole: bool  # also what is a matter of the whole account
    sights: Mapping[str, Standing]  # by the socket's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, as it goes out. Of two with the same `key` the later one says all."""

    kind: Kind
    key: str
    data: bytes
    device_id: str = ""


class Stream:
    """What waits for one listener. Use it on one event loop."""

    def __init__(self, audience: Audience, gone: Callable[[], bool] = lambda: False) -> None:
        self.audience = audience
        self.gone = gone  # whether the other end has hung up
        self.woken = asyncio.Event()
        self.doubted = False  # what it may see must be asked again before anything else is written
        self.ending: Ending | None = None
        self._waiting: dict[tuple[Kind, str], Event] = {}
        self._others = 0  # of those that wait, how many are not states

    def offer(self, event: Event, *, older: bool = False) -> None:
        """Let something wait, in place of what it says better; a listener with too much to read is let go.

        `older`: it was read a while ago, and what waits of the same thing says more.
        """
        if event.kind not in self.audience.kinds and event.kind is not Kind.DEVICE:
            return
        if older and (event.kind, event.key) in self._waiting:
            return
        self._put(event)
        if self._others > MOST_WAITING:
            self.end(Ending.SLOW)

    def reset(self, data: bytes) -> None:
        """Say that something was missed, in place of all that waits."""
        self._waiting.clear()
        self._others = 0
        self._put(Event(kind=Kind.RESET, key="", data=data))

    def doubt(self) -> None:
        """Have it asked again what the listener may see, before they see any more."""
        self.doubted = True
        self.woken.set()

    def end(self, why: Ending) -> None:
        """Let the listener go."""
        self.ending = self.ending or why
        self.woken.set()

    def move(self, audience: Audience, *, tell: bool = True) -> None:
        """Go on with what the listener may see now; what waits of other sockets is dropped."""
        before, self.audience, self.doubted = self.audience, audience, False
        for key, event in list(self._waiting.items()):
            if event.device_id and event.device_id not in audience.sights:
                self._drop(key)
        for device_id in sorted(before.sights.keys() | audience.sights.keys()) if tell else ():
            old, new = before.sights.get(device_id), audience.sights.get(device_id)
            role = new.role if new else "none"
            if (old.role if old else "none") != role:
                data = f'{{"device_id":"{device_id}","role":"{role}"}}'.encode()
                self.offer(Event(kind=Kind.DEVICE, key=device_id, data=data))

    def take(self, position: Position) -> bytes:
        """Return all that waits, as it is written; only the last carries the id, so that none is missed between."""
        self.woken.clear()
        events = list(self._waiting.values())
        self._waiting.clear()
        self._others = 0
        return b"".join(on_the_wire(each, position if each is events[-1] else None) for each in events)

    def _put(self, event: Event) -> None:
        key = (event.kind, event.key)
        self._drop(key)  # so that the newest stands last, as its id says
        self._waiting[key] = event
        self._others += event.kind is not Kind.STATE
        self.woken.set()

    def _drop(self, key: tuple[Kind, str]) -> None:
        gone = self._waiting.pop(key, None)
        self._others -= gone is not None and gone.kind is not Kind.STATE


def on_the_wire(event: Event, position: Position | None) -> bytes:
    """Return an event as a browser reads it (HTML Standard, section 9.2.6)."""
    name = b"" if position is None else f"id: {position}\n".encode()
    return b"event: %s\n%sdata: %s\n\n" % (event.kind.encode(), name, event.data)


def beat(position: Position | None) -> bytes:
    """Return what keeps a connection open: a comment, and how far the listener has got, which is no event."""
    return b": still here\n\n" if position is None else f": still here\nid: {position}\n\n".encode()
