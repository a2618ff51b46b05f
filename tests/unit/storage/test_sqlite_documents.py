"""Documents in SQLite: what is short is done on the event loop, and nothing else."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isocket.domain import STORED
from isocket.domain.contacts import Contact
from isocket.domain.incidents import Incident
from isocket.storage.codec import collection_of
from isocket.storage.documents import Collection, Documents, Question, Shapes, hidden_name, shape_of
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import AlreadyThereError, Test, above, at_most, is_, is_not, one_of
from isocket.storage.sealed import _beneath
from isocket.storage.sqlite import SqliteStore
from isocket.storage.sqlite_documents import ROWS_AT_ONCE, SqliteDocuments
from isocket.storage.sqlite_questions import FEW, leads_of
from isocket.storage.still_open import HOLDS_ITS_KEY

ORDERS = Collection(name="orders", unique=(("code",),), indexed=(("state", "due_at"), ("account_id",)))
MANY = 50 * FEW


class Steps:
    """Counts SQLite's steps on the event loop and elsewhere, in tens."""

    def __init__(self) -> None:
        self.on_the_loop = 0
        self.elsewhere = 0

    def count(self) -> int:
        if threading.current_thread() is threading.main_thread():
            self.on_the_loop += 1
        else:
            self.elsewhere += 1
        return 0


@pytest.fixture
async def orders(store: SqliteStore) -> SqliteDocuments:
    await store.documents.prepare([ORDERS])
    return store.documents


@pytest.fixture
def steps(store: SqliteStore) -> Steps:
    counted = Steps()

    def counting(look: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(work: Callable[[sqlite3.Connection], Any]) -> Any:
            def counted_work(connection: sqlite3.Connection) -> Any:
                connection.set_progress_handler(counted.count, 10)
                return work(connection)

            return look(counted_work)

        return run

    store.documents._look = counting(store.documents._look)
    store.documents._read = counting(store.documents._read)
    return counted


@pytest.fixture
def in_writing(store: SqliteStore) -> Steps:
    """Count the writer's steps alone."""
    counted, write = Steps(), store.documents._write

    def run(work: Callable[[sqlite3.Connection], Any], **how: Any) -> Any:
        def counted_work(connection: sqlite3.Connection) -> Any:
            connection.set_progress_handler(counted.count, 10)
            return work(connection)

        return write(counted_work, **how)

    store.documents._write = run
    return counted


async def add(orders: SqliteDocuments, count: int, **values: Any) -> None:
    rows = [
        {"id": f"{values.get('state', 'x')}{number:05}", "version": 1, "code": None, "due_at": number, **values}
        for number in range(count)
    ]
    await orders.add_all([(ORDERS, row) for row in rows])


def together(asked: Sequence[Question]) -> tuple[Shapes, list[Any]]:
    shaped = [(collection, *shape_of(tests)) for collection, tests in asked]
    shapes = Shapes(tuple((collection, shape) for collection, shape, _ in shaped))
    return shapes, [value for _, _, values in shaped for value in values]


FEW_STEPS = FEW * 20  # in tens: a hundred rows looked at by some tests


@pytest.mark.parametrize(
    "tests",
    [
        [is_("account_id", "a")],
        [is_("account_id", "a"), is_("state", "none")],
        [is_("account_id", "a"), one_of("state", ["none"])],
        [is_("state", "due"), above("due_at", -1)],
    ],
    ids=["many", "many and none", "many, of which none fits", "a range"],
)
async def test_finding_among_many_takes_little_on_the_event_loop(
    orders: SqliteDocuments, steps: Steps, tests: list[Test]
) -> None:
    await add(orders, MANY, state="due", account_id="a")
    found = await orders.find(ORDERS, tests)
    assert len(found) in (0, MANY)
    assert steps.on_the_loop < FEW_STEPS


@pytest.mark.parametrize("order_by", ["id", "due_at"])
async def test_a_few_are_found_on_the_event_loop_alone(orders: SqliteDocuments, steps: Steps, order_by: str) -> None:
    await add(orders, MANY, state="due", account_id="a")
    await add(orders, FEW, state="sent", account_id="b")
    found = await orders.find(ORDERS, [is_("account_id", "b"), one_of("state", ["sent"])], order_by=order_by)
    assert [each["due_at"] for each in found] == list(range(FEW))
    assert await orders.find(ORDERS, [is_("id", "due00007")]) == [await orders.get(ORDERS, "due00007")]
    assert steps.elsewhere == 0
    assert steps.on_the_loop < FEW_STEPS


async def test_what_a_unique_group_or_a_few_ids_name_is_found_on_the_event_loop(
    orders: SqliteDocuments, steps: Steps
) -> None:
    await add(orders, MANY, state="due", account_id="a")
    await orders.add_all([(ORDERS, {"id": "one", "version": 1, "code": "c", "state": "due", "due_at": 0})])
    assert [each["id"] for each in await orders.find(ORDERS, [is_("code", "c")], limit=1)] == ["one"]
    assert await orders.find(ORDERS, [is_("code", "c"), is_("state", "sent")]) == []
    named = [f"due{number:05}" for number in range(FEW)]
    found = await orders.find(ORDERS, [one_of("id", named), at_most("due_at", FEW // 2 - 1)], order_by="due_at")
    assert [each["id"] for each in found] == named[: FEW // 2]
    assert steps.elsewhere == 0
    assert steps.on_the_loop < FEW_STEPS


async def test_many_ids_are_looked_up_elsewhere_and_none_of_a_unique_group_names_all(
    orders: SqliteDocuments, steps: Steps
) -> None:
    await add(orders, MANY, state="due", account_id="a")
    assert len(await orders.find(ORDERS, [one_of("id", [f"due{number:05}" for number in range(MANY)])])) == MANY
    assert len(await orders.find(ORDERS, [is_("code", None)])) == MANY
    assert steps.elsewhere > 0
    assert steps.on_the_loop < FEW_STEPS


async def test_several_questions_that_lead_to_few_are_answered_on_the_event_loop_alone(
    orders: SqliteDocuments, steps: Steps
) -> None:
    await add(orders, MANY, state="due", account_id="a")
    await add(orders, FEW, state="sent", account_id="b")
    asked = [(ORDERS, [is_("account_id", "b"), is_("state", "none")]), (ORDERS, [is_("account_id", "b")])]
    assert [len(each) for each in await orders.find_each(*together(asked))] == [0, FEW]
    assert steps.elsewhere == 0
    assert steps.on_the_loop < FEW_STEPS
    asked.append((ORDERS, [is_("account_id", "a")]))
    assert [len(each) for each in await orders.find_each(*together(asked))] == [0, FEW, MANY]
    assert steps.on_the_loop < 3 * FEW_STEPS


@pytest.mark.parametrize("limit", [None, 3])
async def test_whichever_way_it_is_found_it_is_the_same(orders: SqliteDocuments, limit: int | None) -> None:
    await add(orders, FEW + 1, state="due", account_id="a")
    tests = [is_("account_id", "a"), at_most("due_at", FEW - 1)]
    many = await orders.find(ORDERS, tests, order_by="due_at", descending=True, limit=limit)
    assert [each["due_at"] for each in many] == list(range(FEW))[::-1][:limit]
    await orders.remove_all(ORDERS, [is_("due_at", FEW)])
    assert await orders.find(ORDERS, tests, order_by="due_at", descending=True, limit=limit) == many


async def test_a_claim_among_many_takes_little_on_the_event_loop(orders: SqliteDocuments, steps: Steps) -> None:
    await add(orders, MANY, state="due", account_id="a", kind="mail")
    claims = [is_("state", "due"), at_most("due_at", MANY)]
    assert (await orders.change_one(ORDERS, claims, {"kind": "x"}, order_by="due_at") or {})["due_at"] == 0
    assert await orders.change_one(ORDERS, [*claims, is_("kind", "call")], {"kind": "x"}, order_by="due_at") is None
    assert await orders.change_one(ORDERS, [is_("kind", "call")], {"kind": "x"}) is None
    assert steps.on_the_loop < FEW_STEPS


async def test_a_claim_in_vain_among_few_is_made_on_the_event_loop_alone(orders: SqliteDocuments, steps: Steps) -> None:
    await add(orders, MANY, state="sent", account_id="a")
    await add(orders, FEW, state="due", account_id="a", kind="mail")
    claims = [is_("state", "due"), is_("kind", "call")]
    assert await orders.change_one(ORDERS, claims, {"kind": "x"}, order_by="due_at") is None
    assert 0 < steps.on_the_loop < FEW_STEPS
    assert steps.elsewhere == 0


@pytest.mark.parametrize("fits", [0, 1])
async def test_the_writer_goes_through_nothing_to_find_what_no_index_leads_to(
    orders: SqliteDocuments, in_writing: Steps, fits: int
) -> None:
    await add(orders, MANY, state="due", account_id="a", kind="mail")
    await add(orders, fits, state="sent", account_id="b", kind="call")
    in_writing.elsewhere = 0
    assert await orders.change_all(ORDERS, [is_("kind", "call")], {"kind": "letter"}) == fits
    assert await orders.remove_all(ORDERS, [is_("kind", "letter")]) == fits
    assert await orders.remove_all(ORDERS, [at_most("due_at", -1)]) == 0
    assert in_writing.elsewhere < FEW_STEPS
    assert await orders.count(ORDERS, []) == MANY


@pytest.mark.parametrize("indexed", [ORDERS.indexed, ORDERS.indexed[::-1]], ids=["state first", "owner first"])
async def test_the_writer_finds_the_few_of_one_owner_however_many_of_others_are_alike(
    store: SqliteStore, in_writing: Steps, indexed: tuple[tuple[str, ...], ...]
) -> None:
    kept, orders = replace(ORDERS, indexed=indexed), store.documents
    await orders.prepare([kept])
    await add(orders, MANY, state="due", account_id="a", due_at=1)
    await orders.add_all([(kept, {"id": "b", "version": 1, "state": "due", "account_id": "b", "due_at": 1})])
    in_writing.elsewhere = 0
    theirs = [is_("account_id", "b"), is_("state", "due"), is_("due_at", 1)]
    assert await orders.change_all(kept, theirs, {"kind": "letter"}) == 1
    assert await orders.remove_all(kept, theirs, limit=9) == 1
    assert await orders.remove_all(kept, theirs) == 0
    assert in_writing.elsewhere < FEW_STEPS
    assert await orders.count(kept, []) == MANY


async def test_a_person_who_goes_is_found_among_the_changes_however_many_there_are(
    store: SqliteStore, in_writing: Steps
) -> None:
    people = Collection(name="people", subject="id", followed=("state",))
    await store.documents.prepare([people])
    await store.documents.add_all([(people, {"id": f"p{number}", "version": 1}) for number in range(MANY)])
    in_writing.elsewhere = 0
    assert await store.documents.remove_all(people, [one_of("id", [f"p{number}" for number in range(9)])]) == 9
    assert in_writing.elsewhere < FEW_STEPS
    found = (await store.documents.changes(0, limit=2 * MANY)).found
    assert [each.record_id for each in found] == [*(f"p{number}" for number in range(9, MANY)), *[""] * 9]


async def test_to_leave_out_very_many_costs_each_row_little(orders: SqliteDocuments, steps: Steps) -> None:
    await add(orders, MANY, state="due", account_id="a")
    await orders.add_all([(ORDERS, {"id": name, "version": 1, "account_id": name}) for name in ("x", "y", "z")])
    await orders.add_all([(ORDERS, {"id": "nobody's", "version": 1, "account_id": None})])
    left_out = [is_not("account_id", f"{each}") for each in (*range(400), "x")]
    found = await orders.find(ORDERS, left_out)
    assert [each["id"] for each in found if each["account_id"] != "a"] == ["nobody's", "y", "z"]
    assert len(found) == MANY + 3
    assert steps.elsewhere < 5 * MANY


async def test_a_claim_behind_many_that_do_not_fit_is_found(orders: SqliteDocuments) -> None:
    await add(orders, 2 * FEW, state="due", account_id="a", kind="mail")
    await orders.add_all(
        [(ORDERS, {"id": "z", "version": 1, "code": None, "state": "due", "due_at": MANY, "kind": "call"})]
    )
    claims = [is_("state", "due"), at_most("due_at", MANY), is_("kind", "call")]
    assert (await orders.change_one(ORDERS, claims, {"kind": "x"}, order_by="due_at") or {})["id"] == "z"


@pytest.mark.parametrize(
    ("name", "state", "due"),
    [
        ("deliveries", "state", "due_at"),
        ("incidents", "needs_step", "step_due_at"),
        ("commands", "status", "created_at"),
        ("receipts", "settled", "received_at"),
    ],
)
async def test_the_first_that_is_due_is_found_without_sorting(
    store: SqliteStore, name: str, state: str, due: str
) -> None:
    plans = await plans_of(store, name, [is_(state, "x"), at_most("lease_until", "x")], order_by=due)
    assert any(f"records_{name}_{state}_{due}" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)


async def test_a_lane_is_worked_off_in_its_order_without_sorting_what_waits_in_it(store: SqliteStore) -> None:
    """SQLite itself would take the index of what is due, and sort a storm of thousands at each claim."""
    lane = [is_("state", "due"), is_("lane", "x"), at_most("priority", "x")]
    waiting = [*lane, at_most("due_at", "x"), at_most("lease_until", "x")]
    plans = await plans_of(store, "deliveries", waiting, order_by="priority")
    assert any("<expr>=? AND <expr>=? AND <expr><?" in plan for plan in plans)
    assert any("records_deliveries_state_lane_priority" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)


async def test_the_open_incident_that_is_due_is_found_without_passing_those_that_are_over(store: SqliteStore) -> None:
    due = [is_("state", "open"), is_("needs_step", True), at_most("step_due_at", "x"), at_most("lease_until", "x")]
    plans = await plans_of(store, "incidents", due, order_by="step_due_at")
    assert any("records_incidents_state_needs_step_step_due_at" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)


@pytest.mark.parametrize(
    "tests",
    [
        [is_("device_id", "is1"), HOLDS_ITS_KEY],
        [is_("short_code", "AB2"), is_("account_id", "acc_1"), HOLDS_ITS_KEY],
        [is_("short_code", "AB2"), HOLDS_ITS_KEY],
    ],
    ids=["at a socket", "by the code of an account", "by a code"],
)
async def test_the_incidents_that_are_open_are_found_without_looking_at_those_that_are_over(
    store: SqliteStore, steps: Steps, tests: list[Test]
) -> None:
    incidents = collection_of(Incident)
    await store.documents.prepare([incidents])
    over = {"version": 1, "device_id": "is1", "account_id": "acc_1", "short_code": "AB2", "open_key": None}
    rows = [{"id": f"inc_{number}", **over} for number in range(FEW)]
    await store.documents.add_all([(incidents, row) for row in rows])
    await store.documents.add_all([(incidents, {**over, "id": "inc_open", "open_key": "is1 mains_lost"})])
    assert [each["id"] for [each] in await store.documents.find_each(*together([(incidents, tests)]))] == ["inc_open"]
    assert steps.elsewhere == 0
    assert steps.on_the_loop < FEW / 10  # in tens: not one for each that is over


async def test_an_index_by_which_nobody_asks_any_more_is_dropped_and_no_other(store: SqliteStore) -> None:
    await store.documents.prepare([ORDERS])
    await add(store.documents, 3, state="due", account_id="a")
    await store.documents.prepare([Collection(name="orders", unique=(("code",),), indexed=(("state",),))])

    def names(connection: sqlite3.Connection) -> set[str]:
        of_orders = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'records_orders'"
        return {row[0] for row in connection.execute(of_orders)}

    assert store._file.look(names) == {
        "sqlite_autoindex_records_orders_1",
        "records_orders_code",
        "records_orders_state",
    }
    await store.documents.prepare([ORDERS])
    assert len(await store.documents.find(ORDERS, [is_("account_id", "a")])) == 3


async def test_the_unread_receipts_of_an_attempt_are_found_however_many_are_unread(store: SqliteStore) -> None:
    plans = await plans_of(store, "receipts", [is_("attempt_id", "x"), is_("settled", False)], order_by="settled")
    assert any("records_receipts_attempt_id_settled" in plan for plan in plans)


async def test_what_waits_for_a_person_is_found_however_much_waits_for_others(store: SqliteStore) -> None:
    plans = await plans_of(store, "deliveries", [is_("person_id", "x"), is_("state", "due")])
    assert any("records_deliveries_person_id" in plan for plan in plans)


def test_who_sent_a_text_is_found_however_many_contacts_there_are() -> None:
    beneath = _beneath(collection_of(Contact))
    assert leads_of(beneath, shape_of([is_(hidden_name("phone"), "x")])[0])


async def plans_of(store: SqliteStore, name: str, tests: list[Test], *, order_by: str | None = None) -> list[str]:
    """Return how SQLite would find the first that fits, in order to change it; without an order, all that fit."""
    collection = next(each for each in map(collection_of, STORED) if each.name == name)
    await store.documents.prepare([collection])
    plans: list[str] = []

    def explaining(work: Callable[[sqlite3.Connection], Any], **_: object) -> Any:
        class Explaining:
            def execute(self, statement: str, values: list[Any]) -> sqlite3.Cursor:
                rows = store._file.look(lambda c: c.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())
                plans.extend(row[3] for row in rows)
                raise KeyError

        return work(Explaining())  # type: ignore[arg-type]  # it is asked for nothing else

    async def yes(*_: object) -> bool:
        return True

    store.documents._write = explaining
    store.documents._any = yes  # type: ignore[method-assign, assignment]  # straight to the change
    changes = {"lease_until": "y"}
    if order_by is None:
        changing: Coroutine[Any, Any, Any] = store.documents.change_all(collection, tests, changes)
    else:
        changing = store.documents.change_one(collection, tests, changes, order_by=order_by)
    with pytest.raises(KeyError):
        await changing
    return plans


@pytest.fixture(params=["memory", "sqlite"])
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    if request.param == "memory":
        memory = MemoryDocuments()
        await memory.prepare([ORDERS])
        yield memory
        return
    sqlite = await SqliteStore.open(tmp_path / "documents.sqlite")
    await sqlite.documents.prepare([ORDERS])
    yield sqlite.documents
    await sqlite.close()


async def test_of_many_that_must_be_new_all_are_stored_or_none(documents: Documents) -> None:
    rows = [{"id": str(number), "version": 1, "code": code} for number, code in enumerate("abca")]
    with pytest.raises(AlreadyThereError):
        await documents.add_all([(ORDERS, row) for row in rows], refuse_if_there=True)
    assert await documents.find(ORDERS, []) == []
    assert await documents.add_all([(ORDERS, row) for row in rows[:3]], refuse_if_there=True) == 3
    assert await documents.add_all([(ORDERS, row) for row in rows]) == 0


async def test_however_many_are_stored_at_once_what_is_new_is_counted_and_a_table_takes_few_statements(
    store: SqliteStore, orders: SqliteDocuments
) -> None:
    others = Collection(name="others")
    await orders.prepare([others])
    many = [(ORDERS, {"id": f"o{number}", "code": f"c{number}"}) for number in range(2 * ROWS_AT_ONCE + 1)]
    assert await orders.add_all(many[3:5]) == 2
    statements: list[str] = []
    store._file._writer._connection.set_trace_callback(statements.append)
    mixed = [*many[:10], (others, {"id": "x1"}), *many[10:], (others, {"id": "x2"})]
    assert await orders.add_all(mixed) == len(mixed) - 2
    assert sum(each.startswith("insert ") for each in statements) == 3 + 1
    assert await orders.count(ORDERS, []) == len(many)
    assert await orders.count(others, []) == 2
