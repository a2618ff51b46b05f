"""Envelopes that another version of the program stored."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from isocket.domain.reports import ENVELOPE_EDITION, ClockQuality, Envelope, Report, ReportKind, Watched
from isocket.kit.clock import to_ms
from isocket.storage import envelope_text
from isocket.storage.envelope_text import envelope_from_text, envelope_to_text
from isocket.storage.sqlite import SqliteStore
from isocket.storage.telemetry import Waiting
from tests.fakes.clock import NOON, ManualClock

QUIET = Envelope(battery_low_pct=20, temp_c=((None, -15), None), inputs=(False, None))
WATCHED = Envelope(battery_low_pct=20, watched=Watched(signal_pct=10, credit=True))


def of_edition(edition: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as the program whose envelopes are of this edition."""
    monkeypatch.setattr(envelope_text, "ENVELOPE_EDITION", edition)


def report(seq: int) -> Report:
    at_ms = to_ms(NOON)
    return Report("d1", ReportKind.STATE, 1, seq, at_ms, at_ms, ClockQuality.DEVICE, '{"mains":true}', {"mains": True})


@asynccontextmanager
async def opened(file: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(file, clock=clock)
    yield store
    await store.close()


async def waiting(store: SqliteStore, clock: ManualClock) -> Waiting | None:
    return await store.telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)


async def settle(store: SqliteStore, clock: ManualClock) -> None:
    claimed = await waiting(store, clock)
    assert claimed is not None
    assert await store.telemetry.settle(claimed, envelope=QUIET, wake_at=None, silent_after_s=None)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)], ids=["an update", "a way back"])
async def test_what_is_quiet_by_another_editions_envelope_is_judged_once_and_then_quiet_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    file, clock = tmp_path / "store.sqlite", ManualClock()
    of_edition(before, monkeypatch)
    async with opened(file, clock) as store:
        await store.telemetry.store([report(1)])
        await settle(store, clock)
        await store.telemetry.store([report(2)])
        assert await waiting(store, clock) is None
    of_edition(after, monkeypatch)
    async with opened(file, clock) as store:
        await store.telemetry.store([report(3)])
        await settle(store, clock)
        await store.telemetry.store([report(4)])
        assert await waiting(store, clock) is None


@pytest.mark.parametrize(
    ("text", "envelope"),
    [
        ("[false,20,[[null,-15],null],[false,null]]", QUIET),
        ('[false,20,[],[],{"signal_pct":10,"signal_dbm":null,"credit":true,"thermostat":false}]', WATCHED),
        ("[true,0,[],[]]", Envelope(anything=True)),
    ],
    ids=["quiet", "watched", "nobody's"],
)
def test_an_envelope_from_before_there_were_editions_is_of_the_first(
    text: str, envelope: Envelope, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_edition(1, monkeypatch)
    assert envelope_from_text(text) == envelope


@pytest.mark.parametrize("envelope", [QUIET, WATCHED], ids=["quiet", "watched"])
def test_a_program_from_before_there_were_editions_reads_an_envelope(envelope: Envelope) -> None:
    anything, battery, temperatures, inputs, *watched = json.loads(envelope_to_text(envelope))
    assert (anything, battery, len(temperatures), len(inputs)) == (
        False,
        20,
        len(envelope.temp_c),
        len(envelope.inputs),
    )
    assert Watched(**watched[0]) == (envelope.watched or Watched()), "it read a mapping wherever something followed"


@pytest.mark.parametrize(
    "later", [[{"humidity_pct": 80}, ENVELOPE_EDITION + 1], [{}, ENVELOPE_EDITION + 1, "and more"]], ids=str
)
def test_an_envelope_of_a_later_edition_holds_nothing_whatever_it_says(later: list[object]) -> None:
    assert envelope_from_text(json.dumps([False, 20, [], [], *later])) is None
