"""The home automation of customers: announces their sockets to it, says how they are, and takes its wishes.

Nothing of it is kept at the broker, where names would lie in clear: a home is told when it subscribes, which the
broker's log says, and then whatever changes. A wish that nobody hears at once is not carried out later.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broker_bridge import home_topics
from broker_bridge.broker_address import BrokerAddress, Login
from broker_bridge.connection import Connection
from broker_bridge.home_accounts import home_that_counts
from broker_bridge.home_discovery import Socket, announcement, condition
from broker_bridge.home_listeners import HomeListeners
from broker_bridge.home_wishes import HomeWishes, Wish, decoder
from broker_bridge.problem_log import ProblemLog
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.disclosures import DisclosedTo, noted
from isocket.domain.handling import Basis, Purpose
from isocket.domain.homes import Home
from isocket.domain.incidents import Incident, IncidentState, Severity
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Change, Records, is_, one_of
from isocket.storage.telemetry import NewsCursor, Telemetry
from isocket.storage.wakeups import FOLLOWED, HEARD, Wakeups
from isocket.storage.worker import Worker

log = get_logger(__name__)
LOOK_EVERY_S = 0.5
LEAST_GAP_S = 0.1  # between two looks: of what comes within, the newest is enough
PAGE = 1000
GROUP = 64
AT_ONCE = 100  # sockets of one home that are announced before others have their turn: some 10 ms
WINDOW_S, IN_A_WINDOW = 10.0, 10  # so often one home is served for what it subscribed to: at a connection it is twice
MOST_PATTERNS = 10
GIVEN = ("devices.name", "devices.number", "devices.part_names", "telemetry", "incidents")
_NOT_NAMED = ""  # in a change: somebody who was erased
_NOT_OVER = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


@dataclass(slots=True)
class _Listening:
    """A home that is there, and how each socket was announced to it."""

    home: Home
    announced: dict[str, str] = field(default_factory=dict)
    noted_on: datetime | None = None


class HomeBridge:
    """Speaks with all homes by a session of its own, so that nothing of theirs delays an alarm."""

    def __init__(
        self,
        *,
        records: Records,
        telemetry: Telemetry,
        clock: Clock,
        wakeups: Wakeups,
        address: BrokerAddress,
        login: Login,
        listeners: HomeListeners,
        public_url: str,
    ) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock
        self._bell = wakeups.patient_bell(FOLLOWED, HEARD)
        self._listeners = listeners
        self._public_url = public_url
        self._lane: Connection[Wish | None] = Connection(
            name="homes",
            address=address,
            login=login,
            topics=[home_topics.wishes_of("+")],
            decode=decoder(clock),
            on_connected=self._connected,
            clean=True,  # a wish of a while ago is none any more
        )
        self._wishes = HomeWishes(records=records, telemetry=telemetry, clock=clock, problems=ProblemLog(records))
        self._asked: dict[str, set[str]] = {}  # by home: what it subscribed to and was not served yet
        self._served: dict[str, tuple[float, int]] = {}  # by home: how often since when
        self._homes: dict[str, _Listening] = {}
        self._here: tuple[NewsCursor, int] | None = None  # how far sockets and changes were followed
        self._connections = self._connections_served = 0  # after each, all homes are told everything anew

    @property
    def connected(self) -> bool:
        """Tell whether the session is up."""
        return self._lane.connected

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`."""
        self._listeners.on_news(self._bell.ring)
        self._lane.start()
        worker = Worker("homes", self._turn, bell=self._bell, clock=self._clock, idle_s=LOOK_EVERY_S)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(worker.run(stop), name="homes")
                tasks.create_task(self._take_wishes(stop), name="homes-wishes")
                await stop.wait()
                self._lane.finish()
        finally:
            await self._lane.stop()

    async def _take_wishes(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            group = await self._lane.take(GROUP)
            wishes = [each.message for each in group if each.message is not None]
            self._clear(wishes)
            for wish in wishes:
                try:
                    await self._wishes.take(wish)
                except Exception as error:  # it is not kept for later: later it would be none any more
                    log.exception("home_wish_not_taken", home_id=wish.home_id, error=type(error).__name__)
            self._lane.acknowledge(group)

    def _clear(self, wishes: Sequence[Wish]) -> None:
        """Clear the topics of wishes: one that was sent to stay (`retain`) is not told from others when it comes.

        Nothing stays at the broker, on whatever topics a home puts it. A topic is cleared once for all that came
        together, so that whoever sends without end does not make us send as much.
        """
        said = [home_topics.wish(each.home_id, each.device_id, each.part) for each in wishes if each.payload]
        for topic in dict.fromkeys(said):
            self._lane.publish(topic, b"", qos=0, retain=True)

    async def _turn(self) -> bool:
        more = await self.step()
        if self._homes:
            await self._clock.sleep(LEAST_GAP_S)
        return more

    async def step(self) -> bool:
        """Tell whoever came, and whoever is there what is new; return whether there may be more. Nobody: no work."""
        left, asked = self._listeners.take()
        for home_id in left:
            self._homes.pop(home_id, None)
            self._asked.pop(home_id, None)
        for home_id, subscriptions in asked.items():
            self._asked[home_id] = self._asked.get(home_id, set()) | subscriptions
        if not self._lane.connected:
            return False
        connections = self._connections  # from before: it may be one more while thousands are told
        if left or connections != self._connections_served:  # what a home said to stay of itself, perhaps as its will
            self._lane.publish(home_topics.PRESENCE, b"", qos=0, retain=True)
        if self._asked and self._here is None:
            self._here = await self._now()
        for home_id in [each for each in self._asked if self._may_be_served(each)]:
            await self._serve(home_id, self._asked[home_id])
            del self._asked[home_id]
        if connections != self._connections_served:
            await self._tell_all()
            self._connections_served = connections
        if not self._homes:
            self._here = None
            return False
        return await self._look(self._here or await self._now())

    def _connected(self) -> None:
        """What was on its way when the connection broke is lost."""
        self._connections += 1

    async def _now(self) -> tuple[NewsCursor, int]:
        news = await self._telemetry.news(None, ())
        return news.upto, (await self._records.changes(0, limit=0)).newest

    def _may_be_served(self, home_id: str) -> bool:
        """Count; return False for a home that has to wait, since it subscribes without end. Nobody else has to."""
        now_s = self._clock.monotonic_s()
        since_s, times = self._served.get(home_id, (now_s, 0))
        if now_s - since_s >= WINDOW_S:
            since_s, times = now_s, 0
        if times < IN_A_WINDOW:
            self._served[home_id] = (since_s, times + 1)
        return times < IN_A_WINDOW

    async def _serve(self, home_id: str, subscriptions: set[str]) -> None:
        """Announce all sockets to whoever asks for announcements, and say how those are that are asked for."""
        home = await home_that_counts(self._records, home_id)
        if home is None:
            return
        there = self._homes.setdefault(home_id, _Listening(home))
        there.home = home
        mine = await self._records.find(Device, is_("owner_id", home.account_id))
        if any(home_topics.asks_for_announcements(home_id, each) for each in subscriptions):
            await self._tell(there, mine, anew=True, states=False)
        patterns = sorted(filter(home_topics.is_pattern, subscriptions))[:MOST_PATTERNS]
        asked = [
            each
            for each in mine
            if home_topics.state(home_id, each.id) in subscriptions
            or any(home_topics.asks_for_state(home_id, each.id, pattern) for pattern in patterns)
        ]
        await self._tell(there, asked)

    async def _look(self, here: tuple[NewsCursor, int]) -> bool:
        ids = {device_id for there in self._homes.values() for device_id in there.announced}
        news = await self._telemetry.news(here[0], sorted(ids))
        changes = await self._records.changes(here[1], limit=PAGE)
        if changes.kept_after > here[1]:
            await self._tell_all()
            self._here = (news.upto, changes.newest)
            return False
        more = len(changes.found) == PAGE
        told = dict.fromkeys(news.device_ids)
        told |= dict.fromkeys([each for each in await self._followed(changes.found) if each in ids])
        await self._say_how_they_are(list(told))
        self._here = (news.upto, changes.found[-1].number if more else max(changes.newest, here[1]))
        return more

    async def _followed(self, changes: Iterable[Change]) -> list[str]:
        """Follow who comes and goes; return of which sockets alarms began or ended."""
        alarmed: dict[str, None] = {}
        doubtful, moved = set[str](), dict[str, None]()
        for each in changes:
            if each.collection == Incident.collection:
                incident = await self._records.get(Incident, each.record_id)
                alarmed |= {incident.device_id: None} if incident is not None else {}
            elif each.collection == Device.collection:
                moved[each.record_id] = None
            elif each.collection in {Home.collection, Account.collection}:
                doubtful.add(each.record_id)
        for home_id, there in list(self._homes.items()):
            of_it = {home_id, there.home.account_id, _NOT_NAMED}
            if not doubtful.isdisjoint(of_it) and await home_that_counts(self._records, home_id) is None:
                del self._homes[home_id]
                self._served.pop(home_id, None)
        for device_id in moved:
            await self._moved(device_id)
        return list(alarmed)

    async def _moved(self, device_id: str) -> None:
        """Announce a socket to the homes of its new owner, and take it from those of the one before."""
        device = await self._records.get(Device, device_id)
        for home_id, there in self._homes.items():
            is_theirs = device is not None and device.owner_id == there.home.account_id
            if device is not None and is_theirs and device_id not in there.announced:
                await self._tell(there, [device], anew=True, states=False)
            elif not is_theirs and there.announced.pop(device_id, None) is not None:
                self._lane.publish(home_topics.config(home_id, device_id), b"", qos=0)

    async def _say_how_they_are(self, device_ids: Sequence[str]) -> None:
        if not device_ids:
            return
        owned: dict[str | None, list[Device]] = {}
        for each in await self._records.find(Device, one_of("id", device_ids)):
            owned.setdefault(each.owner_id, []).append(each)
        for there in list(self._homes.values()):
            mine = [each for each in owned.get(there.home.account_id, ()) if each.id in there.announced]
            await self._tell(there, mine)

    async def _tell_all(self) -> None:
        """Say everything once more to whoever is there."""
        for there in list(self._homes.values()):
            mine = await self._records.find(Device, is_("owner_id", there.home.account_id))
            for gone in there.announced.keys() - {each.id for each in mine}:
                del there.announced[gone]
                self._lane.publish(home_topics.config(there.home.id, gone), b"", qos=0)
            await self._tell(there, mine, anew=True)

    async def _tell(
        self, there: _Listening, devices: Sequence[Device], *, anew: bool = False, states: bool = True
    ) -> None:
        """Announce sockets where they are not announced like that yet, or `anew`, and say how they are."""
        if not devices:
            return
        home = there.home
        await self._note(there)
        for begin in range(0, len(devices), AT_ONCE):
            for socket in await self._sockets(home, devices[begin : begin + AT_ONCE]):
                device_id = socket.device.id
                said = json.dumps(announcement(home, socket, public_url=self._public_url))
                if anew or there.announced.get(device_id) != said:
                    self._lane.publish(home_topics.config(home.id, device_id), said.encode(), qos=0)
                    there.announced[device_id] = said
                if states:
                    how = json.dumps(condition(socket)).encode()
                    self._lane.publish(home_topics.state(home.id, device_id), how, qos=0)

    async def _sockets(self, home: Home, devices: Sequence[Device]) -> list[Socket]:
        ids, now = [each.id for each in devices], self._clock.now()
        latest = await self._telemetry.latest(ids)
        found = await self._records.find(Incident, one_of("device_id", ids), one_of("state", _NOT_OVER))
        alarmed = {
            each.device_id
            for each in found
            if each.account_id == home.account_id and each.severity is not Severity.INFO
        }
        return [Socket(device=each, state=latest.get(each.id), alarmed=each.id in alarmed, now=now) for each in devices]

    async def _note(self, there: _Listening) -> None:
        """Note before anything is given that it is: one line a home and day in the ledger of its owner."""
        home, today = there.home, self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if there.noted_on == today:
            return
        line = noted(
            home.account_id,
            to=DisclosedTo.PROGRAM,
            recipient_id=home.id,
            what=GIVEN,
            purpose=Purpose.SERVICE,
            basis=Basis.CONTRACT,
            at=today,
            reason=f"Home Assistant: {home.name}",
            once=(today.date().isoformat(), "home"),
        )
        await self._records.add_all([line])
        there.noted_on = today
