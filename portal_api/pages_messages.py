"""Who was told of an incident, as a table: each person, each way, how far it got, and why not where it did not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening
from portal_api.messages import Message
from portal_api.pages_words import CHANNELS, ICONS, reason_in_words, word_for
from portal_api.rendering import LocalTime
from portal_api.timelines import Chronicle, Line

_ASKING = frozenset({DeliveryKind.ALARM, DeliveryKind.REMINDER})
_BADGES: Mapping[DeliveryState, tuple[str, str]] = MappingProxyType(
    {
        DeliveryState.DUE: ("waiting", ""),
        DeliveryState.CALLING: ("on its way", ""),
        DeliveryState.UNCLEAR: ("not clear yet", "warn"),
        DeliveryState.SENT: ("sent", "ok"),
        DeliveryState.DELIVERED: ("arrived", "ok"),
        DeliveryState.FAILED: ("failed", "bad"),
        DeliveryState.CALLED_OFF: ("not sent", ""),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One moment on the way of a message."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One message by one way: the moments that it passed, how it stands, and why."""

    icon: str
    name: str
    stages: Sequence[Stage]
    badge: str
    tone: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One person with all the ways by which they were told or not."""

    name: str
    ways: Sequence[Way]


def rows_of(chronicle: Chronicle, time: LocalTime) -> list[Row]:
    """Return who was told, the earliest first; somebody who was not told by any way comes with the reason."""
    ways: dict[tuple[str | None, str], list[Way]] = {}
    for message in chronicle.messages:
        if message.kind in _ASKING:
            key = (message.contact_id, message.contact or _NOBODY)
            ways.setdefault(key, []).append(_way(message, time))
    for line in _not_told(chronicle.lines):
        ways.setdefault((line.contact_id, line.contact or _NOBODY), []).append(_left_out(line))
    return [Row(name=name, ways=list(dict.fromkeys(found))) for (_, name), found in ways.items()]


_NOBODY = "A contact who was removed"


def _way(message: Message, time: LocalTime) -> Way:
    badge, tone = _BADGES[message.state]
    why = reason_in_words(message.reason) if message.reason and message.state is not DeliveryState.DELIVERED else ""
    if message.state is DeliveryState.DUE and message.held_until is not None and message.held_until > time.now:
        badge, why = "waits", f"for the end of their quiet hours at {time.short(message.held_until)}"
    if message.acknowledged_at is not None:
        badge, tone, why = "acknowledged", "ok", ""
    return Way(
        icon=ICONS.get(message.channel, "bell"),
        name=word_for(CHANNELS, message.channel),
        stages=tuple(_stages(message)),
        badge=badge,
        tone=tone,
        why=why,
    )


def _stages(message: Message) -> Iterator[Stage]:
    for what, at in (
        ("due", message.due_at),
        ("handed over", message.accepted_at),
        ("arrived", message.delivered_at),
        ("answered", message.answered_at),
        ("key pressed", message.key_pressed_at),
        ("acknowledged", message.acknowledged_at),
    ):
        if at is not None:
            yield Stage(what=what, at=at)


def _not_told(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines about people for whom no message was made at all."""
    for line in lines:
        if line.what is Happening.NOT_SENT and line.contact_id and "delivery_id" not in line.detail:
            yield line


def _left_out(line: Line) -> Way:
    return Way(
        icon=ICONS.get(line.channel or "", "bell"),
        name=word_for(CHANNELS, line.channel) if line.channel else "any way",
        stages=(),
        badge="not sent",
        tone="warn",
        why=reason_in_words(line.reason),
    )
