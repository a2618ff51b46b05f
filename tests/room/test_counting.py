"""Customers are counted once a week; who objects is not, and nothing of anybody stands in what is told."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Account, AccountRole
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.restrictions import Objection, ObjectionTo, Restriction, objection_id, restriction_id
from isocket.domain.statistics import Release
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from privacy.statistics import ALARMS, REACH, SOCKETS, TOLD, Statistician, as_document, as_table, week_of
from tests.fakes.clock import ManualClock

MANY = 120
DAY_S = 86_400


class Silence:
    """Chance that changes nothing."""

    def random(self) -> float:
        return 0.0


class Fleet:
    """Many customers with a socket, somebody to be told, and a power cut last week."""

    def __init__(self) -> None:
        self.clock = ManualClock()  # a Sunday
        self.records = StoredRecords(MemoryDocuments())

    def statistician(self, chance: Any = None) -> Statistician:
        return Statistician(records=self.records, clock=self.clock, chance=chance or Silence())

    async def customer(self, number: int, *, at: datetime, cause: Cause = Cause.MAINS_LOST, wait_s: float = 7) -> str:
        name, role = f"acc_{number:04}", AccountRole.CUSTOMER
        mine: dict[str, Any] = {"account_id": name}
        await self.records.add_all(
            [
                Account(id=name, email=f"c{number}@example.org", role=role, created_at=at),
                Contact(
                    id=f"con_{number}", name="N", phone="+447700900001", phone_verified_at=at, created_at=at, **mine
                ),
                Device(
                    id=f"is_{number}", model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=at,
                    owner_id=name, claimed_at=at,
                ),
                Incident(
                    id=f"inc_{number}", device_id=f"is_{number}", cause=cause, severity=Severity.CRITICAL,
                    opened_at=at, detected_at=at, **mine,
                ),
                Delivery(
                    id=f"dlv_{number}", person_id=f"con_{number}", incident_id=f"inc_{number}",
                    kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address="+447700900001", text="x",
                    created_at=at, due_at=at, state=DeliveryState.DELIVERED, ended_at=at + timedelta(seconds=wait_s),
                    **mine,
                ),
            ]
        )  # fmt: skip
        return name

    async def fill(self, many: int = MANY) -> None:
        for number in range(many):
            await self.customer(number, at=self.clock.now())

    async def release(self, chance: Any = None) -> Release:
        """Return what is told of the week that is running, once it is over."""
        end = week_of(self.clock.now()) + timedelta(days=9)
        await self.clock.advance((end - self.clock.now()).total_seconds())
        made = await self.statistician(chance).round()
        assert made is not None
        return made


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.mark.clause("C2-16")
async def test_a_week_is_counted_two_days_after_it_is_over_and_once(fleet: Fleet) -> None:
    await fleet.fill()
    made = await fleet.release()
    assert (made.id, made.tables[ALARMS]["mains_lost"], made.tables[TOLD]["10 s"]) == ("sta_2026-W47", MANY, MANY)
    assert set(made.tables) == {ALARMS, TOLD}, "what changes little is told once a quarter"
    await fleet.records.remove_all(Account)
    assert await fleet.statistician().round() is None
    (stored,) = await fleet.records.find(Release)
    assert stored.tables == made.tables, "who has left does not change what was told"


async def test_two_that_count_at_once_tell_one_thing(fleet: Fleet) -> None:
    await fleet.fill()
    await fleet.clock.advance(4 * DAY_S)
    first, second = [fleet.statistician(random.Random(seed)) for seed in (1, 2)]
    assert [bool(await each.round()) for each in (first, second)] == [True, False]
    assert await fleet.records.count(Release) == 1


@pytest.mark.clause("C7-10", "C7-08")
async def test_who_objects_or_is_only_kept_is_in_no_figure(fleet: Fleet) -> None:
    await fleet.fill(MANY + 20)
    now = fleet.clock.now()
    for number in range(10):
        name, other = f"acc_{number:04}", f"acc_{number + 10:04}"
        to = ObjectionTo.STATISTICS
        await fleet.records.add(Objection(id=objection_id(name, to), account_id=name, to=to, at=now))
        await fleet.records.add(Restriction(id=restriction_id(other), account_id=other, since=now))
    await fleet.records.change_one(Account, is_("id", "acc_0020"), role=AccountRole.STAFF)
    assert (await fleet.release()).tables[ALARMS]["mains_lost"] == round((MANY - 1) / 10) * 10


@pytest.mark.clause("C3-16", "C6-19")
async def test_what_is_told_holds_no_id_no_hash_and_no_small_group(fleet: Fleet) -> None:
    await fleet.fill()
    for number in range(MANY, MANY + 9):
        await fleet.customer(number, at=fleet.clock.now(), cause=Cause.UNAUTHORISED, wait_s=100)
    made = await fleet.release(random.Random(1))
    assert (made.tables[ALARMS]["unauthorised"], made.tables[TOLD]["5 min"]) == (None, None)
    text = json.dumps(as_document(made)) + as_table(made)
    for kind in (Account, Device, Contact, Incident):
        assert not any(each.id in text for each in await fleet.records.find(kind))
    assert "example.org" not in text
    assert all(each is None or each % 10 == 0 for cells in made.tables.values() for each in cells.values())


async def test_sockets_and_people_are_told_in_the_first_week_that_ends_in_a_quarter(fleet: Fleet) -> None:
    await fleet.fill()
    await fleet.clock.advance((datetime.fromisoformat("2026-12-30T00:00:00Z") - fleet.clock.now()).total_seconds())
    made = await fleet.release()
    assert (made.id, made.tables[SOCKETS]["isocket-707"], made.tables[REACH]["1"]) == ("sta_2026-W53", MANY, MANY)
    assert made.tables[ALARMS]["mains_lost"] is None, "the power cuts were in another week"


async def test_one_customer_counts_once_in_a_cell_and_in_few_of_them(fleet: Fleet) -> None:
    await fleet.fill()
    now = fleet.clock.now()
    for number, cause in enumerate([*[Cause.MAINS_LOST] * 40, *Cause]):
        await fleet.records.add(
            Incident(
                id=f"more_{number}", account_id="acc_0000", device_id="is_0", cause=cause, severity=Severity.MINOR,
                opened_at=now, detected_at=now, test=cause is Cause.TEST,
            )
        )  # fmt: skip
    cells = await fleet.statistician()._cells_of("acc_0000", week_of(now))
    assert (len(cells[ALARMS]), cells[ALARMS].count("mains_lost")) == (3, 1)
    assert (await fleet.release()).tables[ALARMS]["mains_lost"] == MANY
