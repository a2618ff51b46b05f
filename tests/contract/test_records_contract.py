"""What every store of records promises."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Account
from isocket.domain.commands import Command
from isocket.domain.devices import Device
from isocket.domain.record import Record
from isocket.kit.clock import EPOCH
from isocket.storage import port
from isocket.storage.port import AlreadyThereError, Test, above, at_most, change_every, every, is_, is_not, one_of
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import FOLLOWED, Wakeups, queue_bell
from isocket.storage.worker import claim, settle
from tests.contract.stores import Colour, Thing
from tests.fakes.clock import NOON, ManualClock


def ids(found: Sequence[Record]) -> list[str]:
    return [each.id for each in found]


async def add_ranked(records: StoredRecords, **ranks: int | None) -> None:
    await records.add_all([Thing(id=name, rank=rank) for name, rank in ranks.items()])


# Adding and getting


async def test_a_record_comes_back_as_it_was_put_in(records: StoredRecords) -> None:
    thing = Thing(
        id="one",
        person_id="p1",
        name="Ada Löwe \U0001f431",
        email="ada@example.org",
        code="A-1",
        shelf="s",
        place=3,
        rank=-7,
        weight=1.5,
        ready=True,
        colour=Colour.BLUE,
        due_at=NOON + timedelta(milliseconds=7),
        ended_at=NOON,
        tags=("a", "b"),
        detail={"list": [1, 2.5, None, {"deep": True}], "quote": 'it\'s "so"'},
    )
    await records.add(thing)
    assert await records.get(Thing, "one") == thing


async def test_a_record_that_is_not_there_is_none(records: StoredRecords) -> None:
    assert await records.get(Thing, "nobody") is None


async def test_an_id_is_taken_once(records: StoredRecords) -> None:
    await records.add(Thing(id="one", rank=1))
    with pytest.raises(AlreadyThereError):
        await records.add(Thing(id="one", rank=2))
    assert await records.find(Thing) == [Thing(id="one", rank=1)]


async def test_what_is_added_together_is_there_as_a_whole_or_not_at_all(records: StoredRecords) -> None:
    await records.add(Thing(id="one", code="A"))
    with pytest.raises(AlreadyThereError):
        await records.add(Thing(id="two"), Thing(id="three", code="A"))
    assert await records.find(Thing) == [Thing(id="one", code="A")]
    await records.add(Thing(id="two"), Thing(id="three", code="B"))
    assert [each.id for each in await records.find(Thing)] == ["one", "three", "two"]


@pytest.mark.parametrize(
    "values",
    [{"code": "A"}, {"shelf": "s", "place": 1}, {"email": "ada@example.org", "person_id": "p"}],
    ids=["one field", "two fields", "a looked-up field"],
)
async def test_unique_fields_are_taken_once(records: StoredRecords, values: dict[str, Any]) -> None:
    await records.add(Thing(id="one", **values))
    with pytest.raises(AlreadyThereError):
        await records.add(Thing(id="two", **values))
    assert await records.get(Thing, "two") is None


async def test_none_in_a_unique_group_takes_nothing(records: StoredRecords) -> None:
    assert await records.add_all([Thing(id=name, shelf="s", place=None) for name in ("a", "b")]) == 2


async def test_half_a_unique_group_may_be_the_same(records: StoredRecords) -> None:
    assert await records.add_all([Thing(id=name, shelf="s", place=ord(name)) for name in "ab"]) == 2


async def test_a_removed_record_frees_what_it_took(records: StoredRecords) -> None:
    await records.add(Thing(id="one", code="A"))
    await records.remove_all(Thing, is_("id", "one"))
    await records.add(Thing(id="one", code="A", rank=2))
    assert [each.rank for each in await records.find(Thing, is_("code", "A"))] == [2]


async def test_adding_many_counts_and_keeps_only_the_new_ones(records: StoredRecords) -> None:
    await records.add(Thing(id="a", rank=1))
    added = await records.add_all(
        [Thing(id="a", rank=2), Thing(id="b", code="B"), Thing(id="c", code="B"), Thing(id="b"), Thing(id="d")]
    )
    assert added == 2
    assert [(each.id, each.rank, each.code) for each in await records.find(Thing)] == [
        ("a", 1, None),
        ("b", None, "B"),
        ("d", None, None),
    ]


async def test_many_of_several_classes_are_added_at_once(records: StoredRecords) -> None:
    account = Account(id="acc", email="ada@example.org", created_at=NOON)
    assert await records.add_all([Thing(id="same"), account, Thing(id="same")]) == 2
    assert await records.get(Account, "acc") == account


async def test_adding_nothing_is_no_error(records: StoredRecords) -> None:
    assert await records.add_all([]) == 0


async def test_what_was_handed_out_is_not_the_stored_thing_itself(records: StoredRecords) -> None:
    detail = {"list": [1]}
    await records.add(Thing(id="one", detail=detail))
    detail["list"].append(2)
    first = await records.get(Thing, "one")
    assert first is not None
    first.detail["list"].append(3)
    again = await records.get(Thing, "one")
    assert again is not None
    assert again.detail == {"list": [1]}


# Finding


async def test_all_tests_must_fit(records: StoredRecords) -> None:
    await records.add_all(
        [Thing(id=f"{rank}{ready}", rank=rank, ready=ready) for rank in (1, 2) for ready in (True, False)]
    )
    assert ids(await records.find(Thing, is_("rank", 2), is_("ready", value=True))) == ["2True"]


async def test_very_many_tests_must_fit_as_well(records: StoredRecords) -> None:
    await add_ranked(records, seven=7, eight=8)
    others = [is_not("id", f"other-{number}") for number in range(2_500)]
    assert ids(await records.find(Thing, *others, is_("rank", 7))) == ["seven"]
    assert (await records.change_all(Thing, *others, rank=9), await records.count(Thing, *others)) == (2, 2)
    assert await records.remove_all(Thing, *others, is_not("id", "eight")) == 1


@pytest.mark.parametrize(
    ("test", "fitting"),
    [
        (is_("rank", 2), "b"),
        (is_("rank", None), "d"),
        (is_not("rank", 2), "acd"),
        (is_not("rank", None), "abc"),
        (one_of("rank", (1, 3, 9)), "ac"),
        (one_of("rank", (1, None)), "ad"),
        (one_of("rank", ()), ""),
        (at_most("rank", 2), "ab"),
        (above("rank", 2), "c"),
        (above("rank", -5), "abc"),
        (at_most("rank", None), ""),
        (above("rank", None), ""),
        (is_("id", "c"), "c"),
        (is_not("id", "c"), "abd"),
        (above("id", "b"), "cd"),
    ],
    ids=str,
)
async def test_a_test_finds(records: StoredRecords, test: Any, fitting: str) -> None:
    await add_ranked(records, a=1, b=2, c=3, d=None)
    assert ids(await records.find(Thing, test)) == list(fitting)
    assert await records.count(Thing, test) == len(fitting)


async def test_enums_flags_and_numbers_are_found_by_their_value(records: StoredRecords) -> None:
    await records.add_all([Thing(id="a"), Thing(id="b", ready=True, colour=Colour.BLUE, weight=2)])
    for test in (is_("colour", Colour.BLUE), is_("ready", value=True), is_("weight", 2), above("weight", 1)):
        assert ids(await records.find(Thing, test)) == ["b"], test


async def test_times_are_compared_as_times_to_the_millisecond(records: StoredRecords) -> None:
    times = [NOON + timedelta(milliseconds=ms) for ms in (-1, 0, 1)]
    await records.add_all([Thing(id=str(number), due_at=at) for number, at in enumerate(times)])
    assert ids(await records.find(Thing, at_most("due_at", NOON))) == ["0", "1"]
    assert ids(await records.find(Thing, above("due_at", NOON))) == ["2"]
    assert ids(await records.find(Thing, is_("due_at", NOON))) == ["1"]


async def test_a_looked_up_text_is_found_by_equality(records: StoredRecords) -> None:
    await records.add_all(
        [
            Thing(id="a", person_id="p1", email="ada@example.org"),
            Thing(id="b", person_id="p2", email="bob@example.org"),
            Thing(id="c"),
        ]
    )
    assert ids(await records.find(Thing, is_("email", "bob@example.org"))) == ["b"]
    assert ids(await records.find(Thing, is_not("email", "bob@example.org"))) == ["a", "c"]
    assert ids(await records.find(Thing, one_of("email", ("ada@example.org", None)))) == ["a", "c"]
    assert ids(await records.find(Thing, is_("email", None))) == ["c"]


async def test_records_come_in_order_with_none_first_and_equals_by_id(records: StoredRecords) -> None:
    await add_ranked(records, c=1, b=1, a=2, d=None)
    assert ids(await records.find(Thing, order_by="rank")) == ["d", "b", "c", "a"]


async def test_descending_turns_the_whole_order_round(records: StoredRecords) -> None:
    await add_ranked(records, c=1, b=1, a=2, d=None)
    assert ids(await records.find(Thing, order_by="rank", descending=True)) == ["a", "c", "b", "d"]


async def test_without_a_wish_the_order_is_that_of_ids(records: StoredRecords) -> None:
    await add_ranked(records, b=1, a=2, B=3, ä=4)
    assert ids(await records.find(Thing)) == ["B", "a", "b", "ä"]


async def test_several_questions_are_answered_each_in_its_place(records: StoredRecords) -> None:
    await add_ranked(records, b=1, a=1, c=2)
    await records.add(Thing(id="d", person_id="p1", email="ada@example.org", code="x"))
    asked = [
        [is_("rank", 1)],
        [is_("id", "c")],
        [is_("rank", 1), is_("id", "b"), is_not("ready", True)],
        [is_("code", "x")],
        [is_("rank", 7)],
        [one_of("email", ["ada@example.org", "bo@example.org", "cy@example.org"]), is_("rank", None)],
        [is_("email", "ada@example.org")],
    ]
    found = await records.find_each(*((Thing, tests) for tests in asked))
    assert [ids(each) for each in found] == [["a", "b"], ["c"], ["b"], ["d"], [], ["d"], ["d"]]
    assert found[6][0].email == "ada@example.org"
    assert await records.find_each() == []


@pytest.mark.parametrize("tests", [[is_("rank", 1)], [is_("ready", False)], []], ids=["by index", "without", "all"])
async def test_several_questions_may_fit_many(records: StoredRecords, tests: list[Test]) -> None:
    await records.add_all([Thing(id=f"{number:03}", rank=1) for number in range(150)])
    few, many = await records.find_each((Thing, [is_("id", "007")]), (Thing, tests))
    assert ids(few) == ["007"]
    assert ids(many) == [f"{number:03}" for number in range(150)]


async def test_a_question_among_several_that_names_no_field_is_a_mistake(records: StoredRecords) -> None:
    with pytest.raises(ValueError, match="no field 'rang'"):
        await records.find_each((Thing, [is_("rank", 1)]), (Thing, [is_("rang", 1)]))


async def test_a_limit_cuts_after_ordering(records: StoredRecords) -> None:
    await add_ranked(records, a=3, b=2, c=1)
    assert ids(await records.find(Thing, order_by="rank", limit=2)) == ["c", "b"]
    assert await records.find(Thing, limit=0) == []


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_show_each_record_once(records: StoredRecords, *, descending: bool) -> None:
    await add_ranked(records, a=2, b=None, c=1, d=2, e=None, f=2)
    whole = await records.find(Thing, order_by="rank", descending=descending)
    seen: list[Thing] = []
    for _ in whole:
        after = (seen[-1].rank, seen[-1].id) if seen else None
        seen += await records.find(Thing, order_by="rank", descending=descending, limit=1, after=after)
    assert seen == whole


async def test_pages_by_time_go_on_where_the_last_one_ended(records: StoredRecords) -> None:
    await records.add_all([Thing(id=str(n), due_at=NOON + timedelta(seconds=n // 2)) for n in range(5)])
    found = await records.find(Thing, order_by="due_at", after=(NOON, "1"))
    assert ids(found) == ["2", "3", "4"]


async def test_every_walks_through_all_pages(records: StoredRecords) -> None:
    await add_ranked(records, **{f"t{n:02}": n % 2 for n in range(11)})
    assert [each.id async for each in every(records, Thing, is_("rank", 0), page=2)] == [
        f"t{n:02}" for n in range(0, 11, 2)
    ]


# Changing


@pytest.mark.parametrize("page", [1, 2, 3, 6, 7])
async def test_everything_that_fits_is_changed_a_page_at_a_time(
    records: StoredRecords, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_ranked(records, **{f"t{n:02}": n % 2 for n in range(12)})
    monkeypatch.setattr(port, "PAGE", page)
    at_once, change_all = list[int](), records.change_all

    async def counted(*asked: Any, **changes: Any) -> int:
        at_once.append(await change_all(*asked, **changes))
        return at_once[-1]

    monkeypatch.setattr(records, "change_all", counted)
    assert await change_every(records, Thing, is_("rank", 0), rank=7) == 6  # what it is asked by changes meanwhile
    assert ids(await records.find(Thing, is_("rank", 7))) == [f"t{n:02}" for n in range(0, 12, 2)]
    assert max(at_once) <= page
    assert sum(at_once) == 6


async def test_a_change_returns_the_record_as_it_is_now(records: StoredRecords) -> None:
    await records.add(Thing(id="one", rank=1, tags=("a",)))
    changed = await records.change_one(
        Thing, is_("id", "one"), rank=None, tags=("b", "c"), colour=Colour.BLUE, ended_at=NOON, detail={"x": []}
    )
    assert changed == Thing(id="one", version=2, tags=("b", "c"), colour=Colour.BLUE, ended_at=NOON, detail={"x": []})
    assert await records.get(Thing, "one") == changed


async def test_a_change_touches_one_record_only_the_first_in_order(records: StoredRecords) -> None:
    await add_ranked(records, a=3, b=1, c=2)
    changed = await records.change_one(Thing, is_("ready", value=False), order_by="rank", ready=True)
    assert changed is not None
    assert changed.id == "b"
    assert ids(await records.find(Thing, is_("ready", value=True))) == ["b"]


async def test_a_change_that_fits_nothing_changes_nothing(records: StoredRecords) -> None:
    await add_ranked(records, a=1)
    assert await records.change_one(Thing, is_("rank", 2), rank=3) is None
    assert await records.find(Thing) == [Thing(id="a", rank=1)]


async def test_each_change_counts_the_version_up(records: StoredRecords) -> None:
    await add_ranked(records, a=1)
    await records.change_one(Thing, is_("id", "a"), rank=1)
    await records.change_all(Thing, rank=1)
    found = await records.get(Thing, "a")
    assert found is not None
    assert found.version == 3


async def test_a_change_that_breaks_a_unique_group_changes_nothing(records: StoredRecords) -> None:
    await records.add_all([Thing(id="a", code="A"), Thing(id="b", code="B", rank=1)])
    with pytest.raises(AlreadyThereError):
        await records.change_one(Thing, is_("id", "b"), code="A", rank=2)
    assert await records.get(Thing, "b") == Thing(id="b", code="B", rank=1)


async def test_a_change_for_many_that_breaks_a_unique_group_changes_none_of_them(records: StoredRecords) -> None:
    await add_ranked(records, a=1, b=1)
    with pytest.raises(AlreadyThereError):
        await records.change_all(Thing, is_("rank", 1), code="A", rank=2)
    assert await records.find(Thing) == [Thing(id="a", rank=1), Thing(id="b", rank=1)]


async def test_a_change_frees_what_it_took_before(records: StoredRecords) -> None:
    await records.add(Thing(id="a", code="A"))
    await records.change_one(Thing, is_("id", "a"), code=None)
    await records.add(Thing(id="b", code="A"))
    assert ids(await records.find(Thing, is_("code", "A"))) == ["b"]


async def test_a_record_may_keep_its_own_unique_value(records: StoredRecords) -> None:
    await records.add(Thing(id="a", code="A"))
    changed = await records.change_one(Thing, is_("id", "a"), code="A", rank=5)
    assert changed == Thing(id="a", version=2, code="A", rank=5)


async def test_changing_all_counts_those_that_fit(records: StoredRecords) -> None:
    await add_ranked(records, a=1, b=1, c=2)
    assert await records.change_all(Thing, is_("rank", 1), ready=True) == 2
    assert ids(await records.find(Thing, is_("ready", value=True))) == ["a", "b"]


async def test_removing_counts_those_that_fit_and_leaves_the_rest(records: StoredRecords) -> None:
    await add_ranked(records, a=1, b=1, c=2)
    assert await records.remove_all(Thing, is_("rank", 1)) == 2
    assert ids(await records.find(Thing)) == ["c"]


async def test_removing_so_many_takes_no_more_than_that_of_those_that_fit(records: StoredRecords) -> None:
    await add_ranked(records, a=1, b=1, c=1, d=2)
    assert await records.remove_all(Thing, is_("rank", 1), limit=2) == 2
    assert [each.rank for each in await records.find(Thing, order_by="rank")] == [1, 2]
    assert await records.remove_all(Thing, at_most("rank", 1), limit=2) == 1
    assert ids(await records.find(Thing)) == ["d"]


async def test_sealed_text_can_be_changed_found_and_emptied(records: StoredRecords) -> None:
    await records.add(Thing(id="a", person_id="p", name="Ada", email="ada@example.org"))
    await records.change_one(Thing, is_("email", "ada@example.org"), email="a.l@example.org", name="Ada L.")
    assert await records.find(Thing, is_("email", "ada@example.org")) == []
    assert await records.find(Thing, is_("email", "a.l@example.org")) == [
        Thing(id="a", version=2, person_id="p", name="Ada L.", email="a.l@example.org")
    ]
    assert await records.change_all(Thing, is_("person_id", "p"), name=None, email=None) == 1
    assert await records.get(Thing, "a") == Thing(id="a", version=3, person_id="p")


async def test_a_device_without_owner_is_claimed_named_and_released(records: StoredRecords) -> None:
    device = Device(id="d1", model="isocket-4g", secret_hash="s", claim_hash="c", provisioned_at=NOON)
    await records.add(device)
    claimed = await records.change_one(
        Device, is_("id", "d1"), is_("owner_id", None), owner_id="acc", name="Cottage", claimed_at=NOON
    )
    assert claimed == replace(device, version=2, owner_id="acc", name="Cottage", claimed_at=NOON)
    released = await records.change_one(
        Device, is_("id", "d1"), is_("owner_id", "acc"), owner_id=None, name=None, place=None, claimed_at=None
    )
    assert released == replace(device, version=3)


# Concurrency


async def test_of_many_who_claim_at_once_each_gets_another(records: StoredRecords) -> None:
    await add_ranked(records, **{f"t{n:02}": n for n in range(10)})
    claims = [records.change_one(Thing, is_("ready", value=False), order_by="rank", ready=True) for _ in range(12)]
    taken = [each.id for each in await asyncio.gather(*claims) if each is not None]
    assert sorted(taken) == [f"t{n:02}" for n in range(10)]


async def test_compare_and_set_lets_one_of_two_through(records: StoredRecords) -> None:
    await add_ranked(records, a=0)
    sets = [records.change_one(Thing, is_("id", "a"), is_("version", 1), rank=n) for n in (1, 2)]
    assert sorted(each is not None for each in await asyncio.gather(*sets)) == [False, True]


async def test_of_two_who_change_the_same_sealed_text_none_is_lost(records: StoredRecords) -> None:
    await records.add(Thing(id="a", person_id="p", name="Ada"))
    await asyncio.gather(*(records.change_one(Thing, is_("id", "a"), name=f"Ada {n}") for n in range(5)))
    found = await records.get(Thing, "a")
    assert found is not None
    assert found.version == 6
    assert found.name in {f"Ada {n}" for n in range(5)}


async def test_a_lease_keeps_others_away_until_it_ends_and_then_fences(
    records: StoredRecords, clock: ManualClock
) -> None:
    from isocket.domain.commands import Command

    await records.add(Command(id="c", device_id="d", account_id="a", name="on", created_at=NOON, expires_at=NOON))
    first = await claim(records, Command, clock=clock, lease_s=30)
    assert first is not None
    assert await claim(records, Command, clock=clock, lease_s=30) is None
    await clock.advance(30)
    second = await claim(records, Command, clock=clock, lease_s=30)
    assert second is not None
    assert await settle(records, first, error="late") is None
    assert await settle(records, second, error="done") is not None


# Following


async def followed(records: StoredRecords, after: int = 0) -> list[str]:
    return [each.record_id for each in (await records.changes(after)).found]


async def test_what_comes_changes_and_goes_is_told_in_the_order_in_which_it_was_stored(records: StoredRecords) -> None:
    await records.add(Thing(id="a", rank=1))
    await records.add_all([Thing(id="b"), Thing(id="a"), Thing(id="c")])
    await records.change_one(Thing, is_("id", "a"), rank=2)
    await records.change_all(Thing, one_of("id", ["a", "b"]), ended_at=NOON)
    await records.remove_all(Thing, is_("id", "c"))
    told = await records.changes(0)
    assert ids_of(told.found[:4]) == ["a", "b", "c", "a"]
    assert (sorted(ids_of(told.found[4:6])), ids_of(told.found[6:])) == (["a", "b"], ["c"])
    assert {each.collection for each in told.found} == {"test_things"}
    assert [each.number for each in told.found] == list(range(1, 8))
    assert (told.kept_after, told.newest) == (0, 7)


def ids_of(found: Sequence[Any]) -> list[str]:
    return [each.record_id for each in found]


async def test_a_change_of_what_nobody_follows_is_not_told(records: StoredRecords) -> None:
    await records.add(Thing(id="a", rank=1))
    await records.change_one(Thing, is_("id", "a"), rank=1, weight=2.0, due_at=NOON)
    await records.change_one(Thing, is_("id", "nobody"), rank=9)
    await records.add_all([Thing(id="a")])
    assert await followed(records) == ["a"]


async def test_an_addition_that_was_refused_is_not_told(records: StoredRecords) -> None:
    await records.add(Thing(id="a", code="X"))
    with pytest.raises(AlreadyThereError):
        await records.add(Thing(id="b", code="X"))
    with pytest.raises(AlreadyThereError):
        await records.add(Thing(id="a", rank=3))
    assert await followed(records) == ["a"]


async def test_of_a_person_who_goes_not_even_the_id_is_told(records: StoredRecords, clock: ManualClock) -> None:
    await records.add_all(
        [Account(id=each, email=f"{each}@example.org", created_at=clock.now()) for each in ("acc_1", "acc_2")]
    )
    await records.change_one(Account, is_("id", "acc_1"), credential_epoch=2)
    assert await followed(records) == ["acc_1", "acc_2", "acc_1"]
    await records.remove_all(Account, is_("id", "acc_1"))
    assert await followed(records) == ["acc_2", ""]


async def test_whoever_follows_goes_on_from_the_last_number_seen(records: StoredRecords) -> None:
    await records.add_all([Thing(id=each) for each in "abcde"])
    first = await records.changes(0, limit=2)
    assert (ids_of(first.found), first.newest) == (["a", "b"], 5)
    assert await followed(records, first.found[-1].number) == ["c", "d", "e"]
    assert await followed(records, 5) == []


async def test_a_followed_record_rings_its_bell_also_when_it_goes(
    records: StoredRecords, wakeups: Wakeups, clock: ManualClock
) -> None:
    bell = wakeups.bell(FOLLOWED)

    async def rang() -> bool:
        was = bell._event.is_set()
        bell._event.clear()
        return was

    await records.add(Thing(id="a"))
    assert await rang()
    await records.remove_all(Thing, is_("id", "nobody"))
    assert not await rang()
    await records.remove_all(Thing, is_("id", "a"))
    assert await rang()
    await records.add(Account(id="acc_1", email="ada@example.org", created_at=clock.now()))
    assert await rang()


# Mistakes and bells


async def test_a_wrong_field_name_is_named(records: StoredRecords) -> None:
    for attempt in (
        records.find(Thing, is_("colur", "red")),
        records.find(Thing, one_of("colur", ())),
        records.find(Thing, order_by="colur"),
        records.change_one(Thing, colur="red"),
        records.change_all(Thing, colur="red"),
        records.remove_all(Thing, is_("colur", "red")),
        records.count(Thing, is_("colur", "red")),
    ):
        with pytest.raises(ValueError, match="Thing has no field 'colur'"):
            await attempt


@pytest.mark.parametrize(
    "changes",
    [
        {"rank": "1"},
        {"weight": float("nan")},
        {"ready": None},
        {"due_at": NOON.replace(tzinfo=None)},
        {"colour": "green"},
    ],
    ids=["text for number", "not a number", "none", "time without zone", "no such colour"],
)
async def test_a_value_that_does_not_belong_into_the_field_is_refused(
    records: StoredRecords, changes: dict[str, Any]
) -> None:
    await add_ranked(records, a=1)
    with pytest.raises(ValueError, match=f"Thing.{next(iter(changes))}"):
        await records.change_one(Thing, **changes)
    assert await records.find(Thing) == [Thing(id="a", rank=1)]


@pytest.mark.parametrize("name", ["id", "version"])
async def test_id_and_version_are_not_changed_by_hand(records: StoredRecords, name: str) -> None:
    changes: dict[str, Any] = {name: 3}
    with pytest.raises(ValueError, match=f"Thing.{name} is not yours"):
        await records.change_one(Thing, **changes)


async def test_what_is_stored_rings_the_bell_of_its_collection(
    records: StoredRecords, wakeups: Wakeups, clock: ManualClock
) -> None:
    bell = wakeups.bell("test_things")

    async def rang() -> bool:
        was = bell._event.is_set()
        bell._event.clear()
        return was

    await records.add(Thing(id="a"))
    assert await rang()
    await records.add_all([Thing(id="a")])
    assert not await rang()
    await records.add_all([Thing(id="b")])
    assert await rang()
    await records.change_one(Thing, is_("id", "a"), rank=1)
    assert await rang()
    await records.change_one(Thing, is_("id", "nobody"), rank=1)
    assert not await rang()
    await records.change_all(Thing, rank=2)
    assert await rang()
    await records.add(Account(id="acc", email="ada@example.org", created_at=NOON))
    assert not await rang()


async def test_a_record_for_one_queue_rings_the_bell_of_that_queue_and_of_no_other(
    records: StoredRecords, wakeups: Wakeups
) -> None:
    red, blue = (wakeups.bell(queue_bell("test_things", each)) for each in (Colour.RED, Colour.BLUE))
    await records.add_all([Thing(id="a", colour=Colour.RED)])
    assert red._event.is_set()
    assert not blue._event.is_set()
    await records.change_one(Thing, is_("id", "a"), colour=Colour.BLUE)
    assert blue._event.is_set()


async def test_a_claim_rings_nobody_and_letting_go_does(
    records: StoredRecords, wakeups: Wakeups, clock: ManualClock
) -> None:
    await records.add(Command(id="cmd", device_id="d", account_id="a", name="on", created_at=NOON, expires_at=NOON))
    bell = wakeups.bell(Command.collection)
    held = await claim(records, Command, clock=clock, lease_s=10)
    assert held is not None
    assert not bell._event.is_set()
    await settle(records, held, lease_until=EPOCH)
    assert bell._event.is_set()
