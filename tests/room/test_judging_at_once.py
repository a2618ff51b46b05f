"""A house of many sockets loses power: several judges open incidents of one account in the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import TypeVar

from alerts.climbing import Climber
from alerts.escalation import Escalator
from alerts.judge import Judge
from alerts.rules.decisions import incident_id
from alerts.rules.memory import Key
from alerts.service import workers
from alerts.short_codes import CodesInHand, first_code
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident
from isocket.domain.reports import ReportKind
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import Records, is_
from tests.fakes.clock import NOON
from tests.fakes.dying import DyingRecords, Fuse
from tests.fakes.judged_house import BOOT, DEVICE, OWNER, JudgedHouse, judged_house

T = TypeVar("T")
ANNA = "con_anna"
PUBLIC_URL = "https://cloud.example.org"
LOST = 102  # the number of the report that says that power is out


class InTurn(Fuse):
    """Lets the others go on before and after each verb, as a store does that is not in memory."""

    async def guard(self, verb: Callable[[], Awaitable[T]], *, leaves: Callable[[T], bool] = bool) -> T:
        await asyncio.sleep(0)
        answer = await super().guard(verb, leaves=leaves)
        await asyncio.sleep(0)
        return answer


def usual_code(device_id: str) -> str:
    return first_code(incident_id(device_id, OWNER, Key(Cause.MAINS_LOST), f"{BOOT}.{LOST}"))


async def two_sockets() -> JudgedHouse:
    """Return two sockets of Anna's that have just lost power, and whose incidents ask for the same code first."""
    house = await judged_house()
    other = next(name for name in (f"isk-{n}" for n in count(2)) if usual_code(name) == usual_code(DEVICE))
    device = await house.records.get(Device, DEVICE)
    assert device is not None
    anna = Contact(
        id=ANNA, account_id=OWNER, name="Anna", phone="+447700900001", phone_verified_at=NOON, created_at=NOON
    )
    steps = ({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0},)
    await house.records.add_all([replace(device, id=other), anna, Escalation(id="esc", account_id=OWNER, steps=steps)])
    for seq, kind, said in (
        (LOST - 1, ReportKind.STATE, {"mains": True}),
        (LOST, ReportKind.ALARM, {"cause": "mains_lost", "active": True}),
    ):
        told = house.report(kind, said, seq=seq)
        await house.telemetry.store([told, told._replace(device_id=other)])
    return house


def in_turn(house: JudgedHouse) -> Records:
    return DyingRecords(house.records, InTurn())


async def check_that_each_has_its_own(house: JudgedHouse) -> None:
    escalator = Escalator(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    while await escalator.step():
        pass
    codes = {each.id: each.short_code for each in await house.records.find(Incident)}
    assert len(codes) == len(set(codes.values())) == 2
    assert usual_code(DEVICE) in codes.values()
    texts = await house.records.find(Delivery, is_("kind", DeliveryKind.ALARM))
    assert len(texts) == 2
    assert all(f"Reply {codes[each.incident_id or '']} " in each.text for each in texts)


async def test_two_judges_at_once_give_two_sockets_of_an_account_different_codes() -> None:
    for climbs in (True, False):
        house, codes = await two_sockets(), CodesInHand()
        records = in_turn(house)
        judges = [
            Judge(
                records=records,
                telemetry=house.telemetry,
                clock=house.clock,
                owner=f"judge-{number}",
                climber=Climber(records=records, public_url=PUBLIC_URL) if climbs else None,
                codes=codes,
            )
            for number in range(2)
        ]
        assert await asyncio.gather(*(each.step() for each in judges)) == [True, True]
        await check_that_each_has_its_own(house)


async def test_the_judges_of_a_service_know_of_each_others_codes() -> None:
    house = await two_sockets()
    together = workers(
        records=in_turn(house),
        telemetry=house.telemetry,
        clock=house.clock,
        wakeups=house.wakeups,
        right_of_way=RightOfWay(house.clock),
        channels={},
        public_url=PUBLIC_URL,
        owner="test",
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as running:
        for worker in together:
            if worker.name.startswith("judge"):
                running.create_task(worker.run(stop), name=worker.name)
        await house.clock.advance(1)
        stop.set()
        await house.clock.advance(2)
    await check_that_each_has_its_own(house)


async def test_a_code_that_was_let_go_is_to_be_had_again() -> None:
    house, codes = await two_sockets(), CodesInHand()
    judge = Judge(records=house.records, telemetry=house.telemetry, clock=house.clock, owner="judge", codes=codes)
    await judge.step()
    (first,) = await house.records.find(Incident)
    with codes.hand_of(replace(first, id="inc_next")) as hand, codes.hand_of(replace(first, id="inc_last")) as other:
        assert hand.takes(first.short_code)
        assert not other.takes(first.short_code)
    with codes.hand_of(replace(first, id="inc_last")) as other:
        assert other.takes(first.short_code)
