"""Any script of verbs gets the same answers from every store."""

import asyncio
import json
import types
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isocket.domain import STORED
from isocket.domain.record import Record, sealed_fields
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.port import AlreadyThereError, Op, Test, is_
from isocket.storage.records import StoredRecords
from isocket.storage.telemetry import Arrival, Telemetry, Waiting
from tests.contract.stores import (
    RECORD_STORES,
    TELEMETRY_STORES,
    Colour,
    Thing,
    open_records,
    open_telemetry,
)
from tests.fakes.clock import NOON, ManualClock

SLOWLY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Few values, so that records meet each other's ids, unique fields and tests.
IDS = st.sampled_from(["a", "b", "c", "ä", "B"])
PERSONS = st.sampled_from(["p1", "p2"])
EMAILS = st.sampled_from(["ada@example.org", "bob@example.org"])
SHELVES = st.sampled_from(["s1", "s2"])
NUMBERS = st.integers(-2, 2)
WEIGHTS = st.sampled_from([0.0, 0.5, -1.25, 3.0])
TIMES = st.sampled_from([NOON + timedelta(milliseconds=ms) for ms in (-1000, -1, 0, 1, 86_400_000)])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


PLAIN_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "code": maybe(SHELVES),
    "shelf": maybe(SHELVES),
    "place": maybe(NUMBERS),
    "rank": maybe(NUMBERS),
    "weight": WEIGHTS,
    "ready": st.booleans(),
    "colour": st.sampled_from(Colour),
    "due_at": TIMES,
    "ended_at": maybe(TIMES),
}
NESTED_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "tags": st.lists(TEXTS, max_size=3).map(tuple),
    "detail": st.dictionaries(TEXTS, JSON, max_size=3),
}
SEALED_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "person_id": PERSONS,
    "name": maybe(TEXTS),
    "email": maybe(EMAILS),
}
THINGS = st.builds(Thing, id=IDS, **PLAIN_FIELDS, **NESTED_FIELDS, **SEALED_FIELDS)


@st.composite
def record_tests(draw: st.DrawFn) -> Test:
    name = draw(st.sampled_from([*PLAIN_FIELDS, "id", "version", "person_id", "email"]))
    values = {"id": IDS, "version": st.integers(1, 4), "person_id": PERSONS, "email": maybe(EMAILS)}.get(
        name, PLAIN_FIELDS.get(name, st.none())
    )
    equality = [Op.IS, Op.IS_NOT, Op.ONE_OF]
    op = draw(st.sampled_from(equality if name == "email" else list(Op)))
    if op is Op.ONE_OF:
        return Test(name, op, tuple(draw(st.lists(values, max_size=3))))
    return Test(name, op, draw(values))


@st.composite
def plain_changes(draw: st.DrawFn) -> dict[str, Any]:
    whole = {**PLAIN_FIELDS, **NESTED_FIELDS}
    return {name: draw(whole[name]) for name in draw(st.sets(st.sampled_from(sorted(whole)), max_size=3))}


@st.composite
def personal_changes(draw: st.DrawFn) -> dict[str, Any]:
    """Change a person with everything of theirs, or some of it without the person."""
    if draw(st.booleans()):
        return {name: draw(values) for name, values in SEALED_FIELDS.items()}
    return {name: draw(SEALED_FIELDS[name]) for name in draw(st.sets(st.sampled_from(["name", "email"])))}


ORDERS = st.sampled_from(["id", "rank", "due_at", "ended_at", "weight", "ready", "colour", "version", "code"])
TESTS = st.lists(record_tests(), max_size=2)


@dataclass(frozen=True)
class Step:
    """One verb with its arguments."""

    verb: str
    tests: Sequence[Any]
    named: dict[str, Any]


@st.composite
def finds(draw: st.DrawFn) -> Step:
    order_by = draw(ORDERS)
    values = {"id": IDS, "version": st.integers(1, 4)}.get(order_by, PLAIN_FIELDS.get(order_by, st.none()))
    named = {
        "order_by": order_by,
        "descending": draw(st.booleans()),
        "limit": draw(maybe(st.integers(0, 4))),
        "after": draw(maybe(st.tuples(values, IDS))),
    }
    if order_by == "id" and named["after"]:
        named["after"] = (named["after"][1], named["after"][1])
    return Step("find", draw(TESTS), named)


STEPS = st.one_of(
    st.builds(Step, st.just("add"), st.tuples(THINGS), st.just({})),
    st.builds(Step, st.just("add_all"), st.lists(THINGS, max_size=4).map(lambda many: (many,)), st.just({})),
    st.builds(Step, st.just("get"), st.tuples(IDS), st.just({})),
    finds(),
    st.builds(Step, st.just("find_each"), st.lists(TESTS, max_size=3).map(tuple), st.just({})),
    st.builds(Step, st.just("change_one"), TESTS, plain_changes()),
    st.builds(
        lambda tests, changes, order_by: Step("change_one", tests, {**changes, "order_by": order_by}),
        TESTS,
        st.one_of(plain_changes(), personal_changes()),
        ORDERS,
    ),
    st.builds(Step, st.just("change_all"), TESTS, plain_changes()),
    st.builds(Step, st.just("remove_all"), TESTS, st.just({})),
    st.builds(Step, st.just("count"), TESTS, st.just({})),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def stores(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, StoredRecords]]:
    stack = AsyncExitStack()

    async def open_all() -> dict[str, StoredRecords]:
        folder = tmp_path_factory.mktemp("stores")
        opened = {}
        for name in RECORD_STORES:
            (folder / name).mkdir()
            opened[name] = await stack.enter_async_context(open_records(name, folder / name))
        return opened

    yield runner.run(open_all())
    runner.run(stack.aclose())


async def answer_of(verb: Awaitable[Any]) -> Any:
    try:
        return await verb
    except AlreadyThereError:
        return "already there"


async def play(records: StoredRecords, script: Sequence[Step]) -> list[Any]:
    await records.remove_all(Thing)
    since = (await records.changes(0, limit=0)).newest
    answers: list[Any] = []
    for step in script:
        verb: Callable[..., Awaitable[Any]] = getattr(records, step.verb)
        if step.verb == "find_each":
            answers.append(await verb(*((Thing, tests) for tests in step.tests)))
            continue
        kind = () if step.verb in ("add", "add_all") else (Thing,)
        answers.append(await answer_of(verb(*kind, *step.tests, **step.named)))
    answers.append(await records.find(Thing))
    answers.append(sorted(each.record_id for each in (await records.changes(since)).found))
    return answers


@SLOWLY
@given(script=st.lists(STEPS, min_size=1, max_size=12))
def test_every_script_of_verbs_gets_the_same_answers_from_all_record_stores(
    runner: asyncio.Runner, stores: dict[str, StoredRecords], script: list[Step]
) -> None:
    expected = runner.run(play(stores["memory"], script))
    for name, records in stores.items():
        answers = runner.run(play(records, script))
        for number, (answer, wanted) in enumerate(zip(answers, expected, strict=True)):
            done = script[number] if number < len(script) else "what is there, or was told, in the end"
            assert answer == wanted, f"{name}, step {number}: {done}"


def any_value(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type, the odd ones too."""
    if get_origin(hint) is types.UnionType:
        return st.one_of(*(any_value(each) for each in get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(any_value(get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(TEXTS, JSON, max_size=3)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    whole_ms = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - Hypothesis adds the zone
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    )
    return {
        type(None): st.none(),
        str: TEXTS,
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: whole_ms,
    }[hint]


def any_record(kind: type[Record]) -> st.SearchStrategy[Record]:
    """Return records of a class with anything in them, but always somebody to whom sealed text belongs."""
    hints = get_type_hints(kind)
    values = {each.name: any_value(hints[each.name]) for each in fields(kind)}
    values["version"] = st.integers(1, 9)
    values["id"] = st.text("abc", min_size=1, max_size=3)
    if kind.subject and sealed_fields(kind):
        values[kind.subject] = values["id"] if kind.subject == "id" else st.text("pq", min_size=1, max_size=2)
    return st.builds(kind, **values)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
@settings(SLOWLY, max_examples=8)
@given(chance=st.data())
def test_every_stored_class_comes_back_from_all_stores_as_it_was_put_in(
    runner: asyncio.Runner, stores: dict[str, StoredRecords], kind: type[Record], chance: st.DataObject
) -> None:
    wanted = chance.draw(st.lists(any_record(kind), min_size=1, max_size=3, unique_by=lambda each: each.id))

    async def keep(records: StoredRecords) -> tuple[int, list[Record], Record | None]:
        await records.remove_all(kind)
        added = await records.add_all(wanted)
        found = await records.find(kind)
        changed = await records.change_one(kind, is_("id", wanted[0].id))
        return added, found, changed

    for name, records in stores.items():
        added, found, changed = runner.run(keep(records))
        assert added == len(found), name
        if added == len(wanted):  # else two of them met in a unique field
            assert found == sorted(wanted, key=lambda each: each.id), name
            assert changed == replace(wanted[0], version=wanted[0].version + 1), name


# Telemetry


DEVICES = st.sampled_from(["d1", "d2"])
READINGS = st.fixed_dictionaries(
    {},
    optional={
        "mains": st.booleans(),
        "battery_pct": st.sampled_from([10, 50, 96]),
        "temp_c": st.lists(maybe(st.sampled_from([-5, 12.5, 40.0])), max_size=2),
        "input": st.lists(st.booleans(), max_size=1),
        "relay_cause": st.sampled_from(["call", "button"]),
    },
)
ENVELOPES = maybe(
    st.builds(
        Envelope,
        battery_low_pct=st.sampled_from([0, 20]),
        temp_c=st.sampled_from([(), ((0, 30),), ((None, 30), (0, None))]),
        inputs=st.sampled_from([(), (False,), (None,)]),
    )
)
CLAIMS = st.tuples(st.just("claim"), st.sampled_from([10, 100]))
SETTLES = st.tuples(
    st.just("settle"), st.integers(0, 2), ENVELOPES, maybe(st.sampled_from([0, 50])), maybe(st.sampled_from([60, 900]))
)
CHANCES = st.one_of(
    st.tuples(
        st.just("store"),
        st.lists(
            st.tuples(
                DEVICES,
                st.sampled_from(ReportKind),
                st.integers(1, 2),
                st.integers(1, 6),
                st.integers(-90, 5),
                READINGS,
            ),
            min_size=1,
            max_size=4,
        ),
    ),
    CLAIMS,
    SETTLES,
    st.tuples(st.just("handle"), ENVELOPES, maybe(st.sampled_from([0, 50])), maybe(st.sampled_from([60, 900]))),
    st.tuples(st.just("advance"), st.sampled_from([6, 60, 1000])),
    st.tuples(st.just("presence"), DEVICES, st.booleans()),
    st.tuples(st.just("wake"), DEVICES),
    st.tuples(st.just("forget"), DEVICES),
    st.tuples(st.just("start_over"), DEVICES, st.integers(0, 3), st.integers(1, 6)),
    st.tuples(st.just("confirm"), DEVICES, st.integers(1, 2), st.integers(1, 6)),
    st.tuples(
        st.just("series"),
        DEVICES,
        st.sampled_from(["raw", "1m", "15m", "1h", "1d"]),
        st.integers(1, 4),
        st.sampled_from(["UTC", "Europe/Helsinki", "Asia/Kathmandu"]),
    ),
    st.tuples(st.just("roll_up"), st.integers(1, 5)),
    st.tuples(st.just("prune"), st.sampled_from([30, 2000])),
    st.tuples(st.just("arrivals"), DEVICES, st.sampled_from([5, 100])),
    st.tuples(st.just("reports"), DEVICES, st.integers(1, 4)),
)


class TelemetryScript:
    """Plays chances on one store; claims are remembered so that they can be settled early, late or twice."""

    def __init__(self, telemetry: Telemetry, clock: ManualClock) -> None:
        self.telemetry = telemetry
        self.clock = clock
        self.claims: list[Waiting] = []

    async def play(self, script: Sequence[tuple[Any, ...]]) -> list[Any]:
        self.claims.clear()
        for device in ("d1", "d2"):
            await self.telemetry.forget(device)
        answers: list[Any] = []
        place = (await self.telemetry.news(None, [])).upto
        for verb, *arguments in script:
            answers.append(await getattr(self, verb)(*arguments))
            news = await self.telemetry.news(place, ["d1", "d2"])
            answers.append(news.device_ids)
            place = news.upto
            answers.append(await self.telemetry.latest(["d1", "d2"]))
            answers.append(await self.telemetry.confirmed(["d1", "d2"]))
            answers.append(await self.telemetry.reports_waiting())
            answers.append(await self.telemetry.roll_call(now=self.clock.now(), within_s=100))
            answers.append(await self.telemetry.gone(now=self.clock.now(), within_s=100, limit=2))
        return answers

    async def store(self, rows: Sequence[tuple[Any, ...]]) -> list[bool]:
        return await self.telemetry.store([self._report(row) for row in rows])

    def _report(self, row: tuple[Any, ...]) -> Report:
        device, kind, boot, seq, age_s, readings = row
        now_ms = to_ms(self.clock.now())
        body = {"boot": boot, "seq": seq, **readings}
        return Report(
            device, kind, boot, seq, now_ms + age_s * 1000, now_ms, ClockQuality.DEVICE, json.dumps(body), body
        )

    async def claim(self, lease_s: int) -> Any:
        waiting = await self.telemetry.claim_waiting(owner="w", now=self.clock.now(), lease_s=lease_s)
        if waiting is None:
            return None
        self.claims.append(waiting)
        return replace(waiting, fence=0)

    async def settle(self, which: int, envelope: Any, wake_in_s: int | None, silent_after_s: int | None) -> bool | None:
        if not self.claims:
            return None
        wake_at = None if wake_in_s is None else self.clock.now() + timedelta(seconds=wake_in_s)
        return await self.telemetry.settle(
            self.claims[-1 - which % len(self.claims)],
            envelope=envelope,
            wake_at=wake_at,
            silent_after_s=silent_after_s,
        )

    async def handle(self, envelope: Any, wake_in_s: int | None, silent_after_s: int | None) -> tuple[Any, Any]:
        """Claim and settle whoever waits, as a worker that is never disturbed."""
        claimed = await self.claim(30)
        return claimed, claimed and await self.settle(0, envelope, wake_in_s, silent_after_s)

    async def advance(self, seconds: int) -> None:
        await self.clock.advance(seconds)

    async def presence(self, device: str, online: bool) -> None:
        await self.telemetry.note_presence(device, online=online, at=self.clock.now())

    async def wake(self, device: str) -> None:
        await self.telemetry.wake(device)

    async def forget(self, device: str) -> int:
        return await self.telemetry.forget(device)

    async def start_over(self, device: str, beyond: int, below: int) -> None:
        await self.telemetry.start_over(device, beyond=(1, beyond), below=(2, below))

    async def confirm(self, device: str, boot: int, seq: int) -> None:
        await self.telemetry.note_confirmed({device: (boot, seq)})

    async def reports(self, device: str, limit: int) -> list[Report]:
        found: list[Report] = []
        while len(found) < 30:
            page = await self.telemetry.reports(
                device,
                start=self.clock.now() - timedelta(days=1),
                end=self.clock.now() + timedelta(days=1),
                after=found[-1] if found else None,
                limit=limit,
            )
            found += page
            if len(page) < limit:
                break
        return found

    async def roll_up(self, limit: int) -> int:
        return await self.telemetry.roll_up(limit=limit)

    async def prune(self, age_s: int) -> int:
        return await self.telemetry.prune(self.clock.now() - timedelta(seconds=age_s))

    async def arrivals(self, device: str, age_s: int) -> list[Arrival]:
        now = self.clock.now()
        return await self.telemetry.arrivals(device, start=now - timedelta(seconds=age_s), end=now)

    async def series(self, device: str, step: str, limit: int, zone: str) -> list[Any]:
        pages: list[Any] = []
        cursor = None
        while len(pages) < 30:
            page = await self.telemetry.series(
                device,
                start=self.clock.now() - timedelta(days=1),
                end=self.clock.now() + timedelta(days=1),
                step=step,
                cursor=cursor,
                limit=limit,
                time_zone=zone,
                spread=limit > 1,
            )
            pages.append((page.ts, page.fields, page.least, page.greatest))
            cursor = page.next
            if cursor is None:
                break
        return pages


@pytest.fixture(scope="module")
def telemetries(
    runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, TelemetryScript]]:
    stack = AsyncExitStack()

    async def open_all() -> dict[str, TelemetryScript]:
        opened = {}
        for store in TELEMETRY_STORES:
            clock = ManualClock()
            telemetry = open_telemetry(store, tmp_path_factory.mktemp(store), clock)
            opened[store] = TelemetryScript(await stack.enter_async_context(telemetry), clock)
        return opened

    yield runner.run(open_all())
    runner.run(stack.aclose())


@settings(SLOWLY, max_examples=150)
@given(script=st.lists(CHANCES, min_size=1, max_size=16))
def test_every_script_of_verbs_gets_the_same_answers_from_all_telemetry_stores(
    runner: asyncio.Runner, telemetries: dict[str, TelemetryScript], script: list[tuple[Any, ...]]
) -> None:
    expected = runner.run(telemetries["memory"].play(script))
    for store, scripted in telemetries.items():
        answers = runner.run(scripted.play(script)) if store != "memory" else expected
        for number, (answer, wanted) in enumerate(zip(answers, expected, strict=True)):
            assert answer == wanted, f"{store} after step {number // 7}: {script[number // 7]}"
