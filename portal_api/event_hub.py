"""One reader a process follows the store, and hands what is new to all who listen: they cost the store nothing more."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import Gauge

from isocket.domain.accounts import Account, Session
from isocket.domain.api_tokens import ApiToken
from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.domain.incidents import Cause, Incident
from isocket.kit.logs import get_logger
from isocket.storage.port import Change
from isocket.storage.wakeups import FOLLOWED, HEARD
from portal_api.commands import sees_command
from portal_api.devices import sees
from portal_api.event_stream import Audience, Ending, Event, Position, Stream
from portal_api.event_views import command_event, incident_event, reset_data, state_events
from portal_api.portal import Portal

log = get_logger(__name__)

LOOK_EVERY_S = 0.25  # where another process stores, which has no bell here
LEAST_GAP_S = 0.05  # between two looks: of what comes within, the newest is enough
TRY_AGAIN_S = 1.0
PAGE = 1000
MOST_CAUGHT_UP = 5000  # changes; whoever missed more begins anew
_DOUBTFUL = frozenset({Account.collection, Session.collection, ApiToken.collection, Home.collection})


@dataclass(slots=True)
class _Batch:
    """What one look has found."""

    events: list[tuple[Event, "Incident | Command | None"]] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)  # ids of what lets somebody in
    devices: set[str] = field(default_factory=set)  # sockets that changed hands, and whose they are now
    shares: bool = False  # somebody may see more or less, and nobody says who


class EventHub:
    """Follows the store while anybody listens. Use it on one event loop."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._bell = portal.wakeups.patient_bell(FOLLOWED, HEARD)
        self._beginning = asyncio.Lock()
        self._begun = False  # whether the position is one of now, from which everything is handed out
        self._anybody = asyncio.Event()
        self._closed = False
        self._streams: set[Stream] = set()
        self._by_device: dict[str, set[Stream]] = defaultdict(set)
        self._by_account: dict[str, set[Stream]] = defaultdict(set)
        self._late: dict[Stream, None] = {}  # who came, or saw more, while the reader was looking
        self.position = Position((0, 0), 0)
        Gauge("isocket_event_streams", "Listeners to events", registry=portal.registry).set_function(
            lambda: self.listeners
        )

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._streams)

    def listeners_of(self, account_id: str) -> int:
        """Return how many listen for one account and have not hung up, as far as we know."""
        return sum(not each.gone() for each in self._by_account.get(account_id, ()))

    @asynccontextmanager
    async def joined(
        self, stream: Stream, after: Position | None, ask: Callable[[], Awaitable[Audience]]
    ) -> AsyncIterator[None]:
        """Have a stream get what is new meanwhile, and first what it missed since `after`.

        What it may see is asked once it is followed, so that no change of that gets lost between.
        """
        self._enter(stream)
        try:
            async with self._beginning:
                if not self._begun:
                    self.position = await self._now()
                    self._begun = True
            self.move(stream, await ask(), tell=False)
            if after is not None:
                await self._catch_up(stream, after)
            self._anybody.set()
            yield
        finally:
            self._leave(stream)
            if not self._streams:
                self._begun = False
                self._anybody.clear()

    def move(self, stream: Stream, audience: Audience, *, tell: bool = True) -> None:
        """Go on with what a listener may see now; `tell` them what they see more or less."""
        self._leave(stream)
        stream.move(audience, tell=tell)
        self._enter(stream)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._anybody.wait()
            try:
                while await self._look():
                    pass
            except Exception:
                log.exception("event_reader_failed")
                await self._portal.clock.sleep(TRY_AGAIN_S)
            await self._portal.clock.sleep(LEAST_GAP_S)
            await self._bell.wait(self._portal.clock, LOOK_EVERY_S)

    def close(self) -> None:
        """Let all listeners go: this process ends, and another will go on where they were."""
        self._closed = True
        self._bell.close()
        for each in self._streams:
            each.end(Ending.RESTART)

    async def _now(self) -> Position:
        news = await self._portal.telemetry.news(None, ())
        return Position(news.upto, (await self._portal.records.changes(0, limit=0)).newest)

    async def _look(self) -> bool:
        """Hand out what is new; return whether there may be more at once."""
        here = self.position
        self._late.clear()
        news = await self._portal.telemetry.news(here.place, list(self._by_device))
        changes = await self._portal.records.changes(here.change, limit=PAGE)
        if changes.kept_after > here.change:
            self._reset_all()
            self.position = Position(news.upto, changes.newest)
            return False
        batch = await self._gathered(news.device_ids, changes.found)
        more = len(changes.found) == PAGE
        # From here on nothing waits: whoever writes sees all of a look, or nothing of it.
        self._hand_out(batch)
        self.position = Position(news.upto, changes.found[-1].number if more else max(changes.newest, here.change))
        for each in [each for each in self._late if each in self._streams]:
            await self._catch_up(each, here)
        return more

    async def _catch_up(self, stream: Stream, after: Position) -> None:
        now = await self._now()
        ahead = after.change > now.change or after.place[0] > now.place[0] or after.place[1] > now.place[1]
        changes = await self._portal.records.changes(after.change, limit=MOST_CAUGHT_UP)
        if ahead or changes.kept_after > after.change or len(changes.found) == MOST_CAUGHT_UP:
            stream.reset(reset_data())
            return
        news = await self._portal.telemetry.news(after.place, list(stream.audience.sights))
        batch = await self._gathered(news.device_ids, changes.found)
        for event, about in batch.events:
            if may_see(stream.audience, event, about):
                stream.offer(event, older=True)

    async def _gathered(self, device_ids: Sequence[str], changes: Iterable[Change]) -> _Batch:
        """Read what has changed, each thing once."""
        batch, spoke = _Batch(), dict.fromkeys(device_ids)
        for kind, record_id in dict.fromkeys((each.collection, each.record_id) for each in changes):
            if kind == Incident.collection:
                incident = await self._portal.records.get(Incident, record_id)
                if incident is not None:
                    batch.events.append((incident_event(incident), incident))
                    if incident.cause is Cause.OFFLINE:
                        spoke[incident.device_id] = None  # that it is silent is said by nobody else
            elif kind == Command.collection:
                command = await self._portal.records.get(Command, record_id)
                if command is not None:
                    batch.events.append((command_event(command, self._portal.clock.now()), command))
            elif kind == Device.collection:
                device = await self._portal.records.get(Device, record_id)
                batch.devices.add(record_id)
                batch.doubtful |= {device.owner_id} if device is not None and device.owner_id else set()
            elif kind in _DOUBTFUL and record_id:
                batch.doubtful.add(record_id)
            else:
                batch.shares = True
        states = await state_events(self._portal, list(spoke))
        batch.events += [(each, None) for each in states]
        return batch

    def _hand_out(self, batch: _Batch) -> None:
        for stream in self._doubted(batch):
            stream.doubt()
        for event, about in batch.events:
            streams = self._by_device.get(event.device_id, ()) if event.device_id else ()
            if isinstance(about, Incident) and not event.device_id:
                streams = self._by_account.get(about.account_id, ())
            for stream in streams:
                if may_see(stream.audience, event, about):
                    stream.offer(event)

    def _doubted(self, batch: _Batch) -> set[Stream]:
        """Return the streams that may see less, or more, than before."""
        if batch.shares:
            return set(self._streams)
        found = {each for device_id in batch.devices for each in self._by_device.get(device_id, ())}
        found |= (
            {each for each in self._streams if each.audience.credentials & batch.doubtful} if batch.doubtful else set()
        )
        return found

    def _reset_all(self) -> None:
        log.warning("events_missed", waiting=len(self._streams))
        for each in self._streams:
            each.doubt()
            each.reset(reset_data())

    def _enter(self, stream: Stream) -> None:
        self._streams.add(stream)
        self._by_account[stream.audience.account_id].add(stream)
        for device_id in stream.audience.sights:
            self._by_device[device_id].add(stream)
        self._late[stream] = None
        if self._closed:
            stream.end(Ending.RESTART)

    def _leave(self, stream: Stream) -> None:
        self._streams.discard(stream)
        _discard(self._by_account, stream.audience.account_id, stream)
        for device_id in stream.audience.sights:
            _discard(self._by_device, device_id, stream)


def may_see(audience: Audience, event: Event, about: Incident | Command | None) -> bool:
    """Return whether an event is for somebody, as requests have it."""
    if not event.device_id:
        return isinstance(about, Incident) and audience.whole and about.account_id == audience.account_id
    standing = audience.sights.get(event.device_id)
    if standing is None or about is None:
        return standing is not None
    return sees(standing, about) if isinstance(about, Incident) else sees_command(standing, about)


def _discard(index: dict[str, set[Stream]], key: str, stream: Stream) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(stream)
        if not found:
            del index[key]
