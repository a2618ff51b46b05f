"""What something else waits for stays past its time: the words of a request, and what may not be told yet."""

from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import RequestChannel, RequestState, Right, RightsRequest, decided
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from privacy.retention import Retention
from tests.fakes.clock import ManualClock


class House:
    """One process that sweeps, as it does for years."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.records = StoredRecords(MemoryDocuments())
        self.retention = Retention(records=self.records, clock=self.clock)

    async def pass_days(self, days: int) -> None:
        await self.clock.advance(timedelta(days=days).total_seconds())
        await self.retention.sweep()

    async def type_in(self, days_ago: int) -> None:
        """Type in a letter that came so many days ago."""
        letter = RightsRequest(
            id="rrq_1",
            kind=Right.ACCESS,
            channel=RequestChannel.LETTER,
            email="",
            words="What do you know of me?",
            postal="Satamakatu 1, Helsinki",
            state=RequestState.RECEIVED,
            received_at=self.clock.now() - timedelta(days=days_ago),
            due_at=self.clock.now(),
        )
        await self.records.add(letter)

    async def answer(self) -> None:
        words = decided(RequestState.ANSWERED, "All of it is enclosed.", self.clock.now())
        await self.records.change_one(RightsRequest, is_("id", "rrq_1"), **words)

    async def words(self) -> tuple[str, str, str]:
        found = await self.records.get(RightsRequest, "rrq_1")
        assert found is not None
        return found.words, found.postal, found.answer


@pytest.fixture
async def house() -> House:
    house = House()
    await house.retention.sweep()
    return house


WORDS = ("What do you know of me?", "Satamakatu 1, Helsinki")


@pytest.mark.parametrize("days_ago", [0, 360, 366])
async def test_the_words_of_a_request_stay_until_its_answer_was_told_however_long_ago_it_came(
    house: House, days_ago: int
) -> None:
    await house.type_in(days_ago)
    await house.pass_days(400 - days_ago)
    assert await house.words() == (*WORDS, "")
    await house.answer()
    await house.pass_days(29)
    assert await house.words() == (*WORDS, "All of it is enclosed.")


@pytest.mark.parametrize("days_ago", [0, 360, 366])
async def test_the_words_of_a_request_go_thirty_days_after_a_late_answer_in_a_process_that_runs_for_years(
    house: House, days_ago: int
) -> None:
    await house.type_in(days_ago)
    await house.pass_days(400 - days_ago)
    await house.answer()
    await house.pass_days(30)
    assert await house.words() == ("", "", "")


async def test_the_words_of_a_request_that_was_answered_in_time_stay_for_a_year(house: House) -> None:
    await house.type_in(0)
    await house.answer()
    await house.pass_days(364)
    assert await house.words() == (*WORDS, "All of it is enclosed.")
    await house.pass_days(1)
    assert await house.words() == ("", "", "")


@pytest.mark.clause("C7-08")
async def test_of_whose_data_is_only_kept_the_words_of_their_own_requests_stay(house: House) -> None:
    now, mine = house.clock.now(), {"account_id": "acc_1"}
    await house.type_in(0)
    await house.records.change_one(RightsRequest, is_("id", "rrq_1"), **mine)
    note = RequestNote(
        id="rqn_1", request_id="rrq_1", kind=NoteKind.ANSWER, channel=RequestChannel.LETTER, words="Of the cabin.",
        by="staff", at=now, **mine,
    )  # fmt: skip
    await house.records.add_all([note, Restriction(id=restriction_id("acc_1"), since=now, **mine)])
    await house.answer()
    await house.pass_days(400)
    assert await house.words() == (*WORDS, "All of it is enclosed.")
    assert await house.records.get(RequestNote, "rqn_1") == note


def look(house: House, **more: Any) -> Disclosure:
    """Return a line that says that staff looked."""
    return noted(
        "acc_1",
        to=DisclosedTo.STAFF,
        what=("holds",),
        purpose=Purpose.CLAIMS,
        basis=Basis.LEGAL_DUTY,
        at=house.clock.now(),
        **more,
    )


async def test_a_look_that_an_order_forbids_to_tell_for_five_years_can_be_read_for_three_years_then(
    house: House,
) -> None:
    silent = look(house, silent_until=house.clock.now() + timedelta(days=5 * 365))
    await house.records.add_all([silent, look(house)])
    await house.pass_days(3 * 365)
    assert await house.records.find(Disclosure) == [silent]
    await house.pass_days(5 * 365 - 1)
    assert await house.records.find(Disclosure) == [silent]
    foretold = await house.retention.forecast(house.clock.now() + timedelta(days=1))
    assert [(each.collection, each.removed) for each in foretold] == [("disclosures", 1)]
    await house.pass_days(1)
    assert await house.records.find(Disclosure) == []


async def test_a_look_after_the_silence_was_over_can_be_read_for_three_years_from_the_look(house: House) -> None:
    late = look(house, silent_until=house.clock.now() - timedelta(days=4 * 365))
    await house.records.add_all([late])
    await house.pass_days(3 * 365 - 1)
    assert await house.records.find(Disclosure) == [late]
    await house.pass_days(1)
    assert await house.records.find(Disclosure) == []
