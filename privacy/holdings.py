"""What a hold names, as it is now: which records, which of their fields, and what sockets reported, day by day."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from isocket.domain import STORED
from isocket.domain.accounts import Account
from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.deliveries import PROVING, WORDS, Delivery
from isocket.domain.devices import Device
from isocket.domain.holds import Hold, collections_of, proofs_of
from isocket.domain.record import Record, handling_of, sealed_fields
from isocket.domain.reports import Report
from isocket.domain.request_notes import RequestNote
from isocket.domain.requests import Proof, RightsRequest
from isocket.kit.clock import EPOCH, Clock, from_ms
from isocket.storage.port import Records, every, is_
from isocket.storage.telemetry import Telemetry
from privacy.schemas import stored_values

PAGE = 1_000


class Holdings:
    """Reads what holds name. Nothing is written."""

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock

    async def of(self, hold: Hold, since: datetime) -> AsyncIterator[tuple[str, str, int, dict[str, Any]]]:
        """Yield what a hold names: collection, id, version and values; of reports each day from `since` on."""
        wanted = collections_of(hold.parts)
        for kind in STORED:
            if kind.collection in wanted and kind.account is not None:
                async for each in every(self._records, kind, is_(kind.account, hold.account_id)):
                    yield _as_held(each)
        if RightsRequest.collection in wanted:
            for each in await asked_before(self._records, hold.account_id):
                yield _as_held(each)
                async for note in every(
                    self._records, RequestNote, is_("request_id", each.id), is_("account_id", None)
                ):
                    yield _as_held(note)
        if TELEMETRY_COLLECTION in wanted:
            for device in await self._records.find(Device, is_("owner_id", hold.account_id)):
                async for day, reports in self._days(device, since):
                    yield TELEMETRY_COLLECTION, f"{device.id} {day}", 1, {"device_id": device.id, "reports": reports}

    async def _days(self, device: Device, since: datetime) -> AsyncIterator[tuple[str, list[Any]]]:
        """Yield each day of what a socket reported since it is this customer's, from `since` on."""
        since = max(device.claimed_at or EPOCH, since)
        end, last, today = self._clock.now() + timedelta(days=1), None, ("", list[Any]())
        while True:
            page = await self._telemetry.reports(device.id, start=since, end=end, after=last, limit=PAGE)
            for day, found in groupby(page, key=_day_of):
                if day != today[0]:
                    if today[1]:
                        yield today
                    today = (day, [])
                today[1].extend(_line(each) for each in found)
            if len(page) < PAGE:
                break
            last = page[-1]
        if today[1]:
            yield today


async def asked_before(records: Records, account_id: str) -> list[RightsRequest]:
    """Return what the account's mailbox proved to have asked by right while it had no account.

    What staff knew by other means stands under a mailbox that was typed off a letter, and may be a stranger's.
    """
    account = await records.get(Account, account_id)
    if account is None or not account.email:
        return []
    theirs = (is_("email", account.email), is_("account_id", None), is_("proof", Proof.LINK))
    return await records.find(RightsRequest, *theirs)


def _as_held(each: Record) -> tuple[str, str, int, dict[str, Any]]:
    return each.collection, each.id, each.version, stored_values(each, held_fields(each))


def named_by(hold: Hold) -> frozenset[str]:
    """Return the collections that a hold names; all of them where it names what this version does not know."""
    try:
        return collections_of(hold.parts)
    except ValueError:
        return frozenset({*(kind.collection for kind in STORED), TELEMETRY_COLLECTION})


def held_fields(each: Record) -> tuple[str, ...]:
    """Return the fields of a record that a hold copies: no proofs, and of other people nothing that is sealed."""
    kind = type(each)
    of_another = kind.subject not in {None, "id", "request_id"} and getattr(each, kind.subject or "") != getattr(
        each, kind.account or ""
    )
    proving = isinstance(each, Delivery) and getattr(each, "kind", None) in PROVING
    left_out = {*(sealed_fields(kind) if of_another else ()), *proofs_of(kind), *(WORDS if proving else ())}
    return tuple(name for name in handling_of(kind) if name not in left_out)


def merge(known: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a record with what is new; what was emptied or taken off a list meanwhile stays."""
    merged = dict(known)
    for name, value in now.items():
        before = known.get(name)
        if isinstance(value, list) and isinstance(before, list):
            there = {as_text(each) for each in before}
            merged[name] = [*before, *(each for each in value if as_text(each) not in there)]
        elif value not in (None, "") or name not in known:
            merged[name] = value
    return merged


def as_text(content: object) -> str:
    """Return JSON in which the same content is always the same text."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _day_of(report: Report) -> str:
    return f"{from_ms(report.at_ms):%Y-%m-%d}"


def _line(report: Report) -> list[Any]:
    return [report.kind.value, report.at_ms, report.received_ms, dict(report.fields)]
