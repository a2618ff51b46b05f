"""kill -9 in the middle of everything: nothing confirmed is lost, nothing is stored or told twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest
from aiohttp import web

from tests.fakes.customer import Customer, text_of
from tests.fakes.patience import PATIENCE_S
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import Behaviour, TwilioDouble
from tests.fakes.whole_cloud import Made, WholeCloud, eventually

pytestmark = pytest.mark.house

ANNA = "+447700900001"
ROUNDS = 10
BROKER_ROUNDS = 3
SOCKETS = 4
REPORTS = 60  # of each socket in each round
FLOOD = 2500  # reports of the one who trusts the broker
BURST_S = 0.6  # about as long as a round's messages take, and the longest that the killer waits
ANSWER_S = 0.25
SETTLING_S = 3 * PATIENCE_S  # the leases of the dead process have to run out before its work goes on

_UNDER_WAY = {"due", "calling"}


class SlowTwilio(TwilioDouble):
    """Takes its time to answer when it has already accepted, as the real one does: many are killed while waiting."""

    async def _behave(self, how: Behaviour, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        answer = await super()._behave(how, request, form)
        await asyncio.sleep(ANSWER_S)
        return answer


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioDouble]:
    double = SlowTwilio()
    await double.start()
    yield double
    await double.stop()


class Witness:
    """A socket and what it said: each state report carries its own number, so that it is known again."""

    def __init__(self, made: Made, port: int) -> None:
        self.socket = ThinSocket(made, port)
        self.reports: set[int] = set()

    async def burst(self, chance: random.Random, probe: int) -> None:
        """Send a round's reports, an alarm among them, spread so that some are under way at any moment."""
        place = chance.randrange(REPORTS)
        for number in range(REPORTS):
            _, seq = self.socket.state(uptime_s=self.socket.seq + 1)
            self.reports.add(seq)
            if number == place:
                self.socket.alarm("input", probe=probe)
            if number % 10 == 9:
                await asyncio.sleep(BURST_S / 12)

    async def flood(self) -> None:
        """Send so many reports that the bridge has some in hand whenever it is killed."""
        for number in range(FLOOD):
            _, seq = self.socket.state(uptime_s=self.socket.seq + 1)
            self.reports.add(seq)
            if number % 20 == 19:
                await asyncio.sleep(0)

    @property
    def acknowledged(self) -> set[int]:
        """The reports that the broker acknowledged."""
        return {seq for _, seq in self.socket.acknowledged} & self.reports


async def assert_stored_once(owner: Customer, made: Made, numbers: set[int]) -> None:
    stored = Counter(await owner.history(made, "uptime_s"))
    assert numbers - set(stored) == set(), "lost"
    assert [number for number, times in stored.items() if times > 1] == [], "stored twice"


async def test_a_cloud_killed_at_ten_random_moments_stores_each_report_once_and_tells_each_alarm_once(
    cloud: WholeCloud, owner: Customer, twilio: TwilioDouble, mail: SmtpSink
) -> None:
    chance = random.Random(20260)
    made = await cloud.provision(SOCKETS + 1)
    for number, device in enumerate(made):
        await owner.claim(device, f"Socket {number}")
    await owner.add_contact("Anna", phone=ANNA)
    codes = len(twilio.accepted[ANNA])
    letters = len(mail.accepted[owner.email])
    # Each keeps its reports until they are stored; the last one trusts the broker's word alone.
    *careful, careless = (Witness(each, cloud.mqtt_port) for each in made)

    for turn in range(ROUNDS):
        for each in careful:
            await each.socket.connect_patiently()
        await careless.socket.connect_patiently(resend=False)
        async with asyncio.TaskGroup() as tasks:
            for each in careful:
                tasks.create_task(each.burst(chance, turn))
            tasks.create_task(careless.flood())
            tasks.create_task(_after(chance.uniform(0.0, BURST_S), cloud.kill))
        await cloud.dead()
        await cloud.start()
    await _come_to_rest(careful)
    await careless.socket.leave()

    for each in careful:
        await assert_stored_once(owner, each.socket.made, each.reports)
    assert len(careless.acknowledged) > ROUNDS, "the broker acknowledged something before it died"
    await assert_stored_once(owner, careless.socket.made, careless.acknowledged)

    incidents = await eventually(
        owner.incidents, lambda found: _all_tried(found, SOCKETS * ROUNDS), "every delivery tried", within_s=SETTLING_S
    )
    raised = Counter((each["device_id"], each["cause"], each["probe"]) for each in incidents)
    assert raised == {(each.device_id, "input", probe): 1 for each in made[:SOCKETS] for probe in range(ROUNDS)}
    texts = [each.body for each in twilio.accepted[ANNA][codes:]]
    mails = [text_of(each) for each in mail.accepted[owner.email][letters:]]
    for incident in incidents:
        _assert_told_once_or_unclear(incident, "sms", texts)
        _assert_told_once_or_unclear(incident, "email", mails)


async def _after(delay_s: float, kill: Callable[[], None]) -> None:
    """Kill at the round's random moment: the delay is the chance itself, nothing is waited for."""
    await asyncio.sleep(delay_s)
    kill()


async def _come_to_rest(witnesses: Sequence[Witness]) -> None:
    """Let each socket come back and stay until everything that it said is confirmed."""
    for each in witnesses:
        await each.socket.connect_patiently()
    for each in witnesses:
        await each.socket.until_all_is_stored()
        await each.socket.leave()


def _all_tried(incidents: list[dict[str, Any]], count: int) -> bool:
    """Tell whether each text and mail was tried; the call that follows where one got lost may still wait."""
    return len(incidents) >= count and all(
        len(due) == 2 and all(line["detail"]["state"] not in _UNDER_WAY for line in due)
        for incident in incidents
        for due in [
            [
                line
                for line in incident["timeline"]
                if line["what"] == "delivery_due" and line["channel"] in ("sms", "email")
            ]
        ]
    )


def _assert_told_once_or_unclear(incident: dict[str, Any], channel: str, texts: list[str]) -> None:
    told = sum(f" {incident['short_code']}" in text for text in texts)
    lines = [line for line in incident["timeline"] if line["channel"] == channel]
    was_unclear = any(line["detail"].get("outcome") in {"unclear", "started"} for line in lines)
    assert told <= 1, f"told {told} times: {lines}"
    assert told == 1 or was_unclear, f"not told, and the timeline does not say so: {lines}"


async def test_a_broker_killed_in_the_middle_costs_nothing_of_what_was_confirmed(
    cloud: WholeCloud, owner: Customer
) -> None:
    chance = random.Random(707)
    made = await cloud.provision(SOCKETS)
    for number, device in enumerate(made):
        await owner.claim(device, f"Socket {number}")
    witnesses = [Witness(each, cloud.mqtt_port) for each in made]
    for turn in range(BROKER_ROUNDS):
        for each in witnesses:
            await each.socket.connect_patiently()
        async with asyncio.TaskGroup() as tasks:
            for each in witnesses:
                tasks.create_task(each.burst(chance, turn))
            tasks.create_task(_after(chance.uniform(0.0, BURST_S), cloud.kill_broker))
    await _come_to_rest(witnesses)
    for each in witnesses:
        await assert_stored_once(owner, each.socket.made, each.reports)
    alarms = {(each.device_id, probe): 1 for each in made for probe in range(BROKER_ROUNDS)}
    await eventually(lambda: _raised(owner), lambda found: found == alarms, "each alarm once")


async def _raised(owner: Customer) -> Counter[tuple[str, int]]:
    return Counter((each["device_id"], each["probe"]) for each in await owner.incidents())


async def test_an_alarm_that_a_broker_acknowledged_right_after_it_came_back_is_not_lost(
    cloud: WholeCloud, owner: Customer
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made, "Cellar")
    socket = ThinSocket(made, cloud.mqtt_port)
    await socket.connect_patiently()
    for turn in range(BROKER_ROUNDS):
        cloud.kill_broker()
        await socket.until(lambda: socket.lost)
        await socket.connect_patiently(resend=False)
        socket.alarm("input", probe=turn)
        await socket.until(lambda: not socket.backlog)  # confirmed, and nothing was sent again
    await socket.leave()
    alarms = {(made.device_id, probe): 1 for probe in range(BROKER_ROUNDS)}
    await eventually(lambda: _raised(owner), lambda found: found == alarms, "each alarm once")


async def test_wanted_settings_reach_a_socket_that_comes_after_the_broker_was_killed(
    cloud: WholeCloud, owner: Customer
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made, "Cellar")
    wanted = await owner.set(made, mains_delay_s=7)
    async with ThinSocket(made, cloud.mqtt_port) as before:
        await before.until(lambda: before.desired)
        cloud.kill_broker()
        await before.until(lambda: before.lost)
    async with ThinSocket(made, cloud.mqtt_port) as after:
        await after.until(lambda: after.desired)
        assert (after.desired["version"], after.desired["mains_delay_s"]) == (wanted["version"], 7)


async def test_a_cloud_whose_disk_was_never_told_goodbye_starts_again_on_the_same_data(
    cloud: WholeCloud, owner: Customer
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made, "Cellar")
    cloud.kill()
    await cloud.dead()
    await cloud.start()
    devices = await owner.ask("GET", "/devices")
    assert [each["name"] for each in devices["items"]] == ["Cellar"]
