"""Makes what is handed out to an authority, once two members of staff have decided: these fields, this time, no more.

It lies sealed under the key of its case. Whoever takes over from a clerk that died begins anew: the pages of before go
first, and the state that says that it is made comes last. A clerk who was only slow loses the case with the next page.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from isocket.domain.authority_cases import AuthorityCase, CaseState, HandedPage, page_id
from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.devices import Device
from isocket.domain.handing_out import by_collection, kind_named, moment_of, without_ways_in
from isocket.domain.record import Record
from isocket.domain.reports import as_the_device_says
from isocket.kit.clock import Clock, from_ms, to_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, Test, above, at_most, every, is_, remove_every
from isocket.storage.telemetry import Telemetry
from isocket.storage.worker import settle
from privacy.rounds import survived
from privacy.schemas import stored_values

log = get_logger(__name__)

LOOK_EVERY_S = 5.0
LEASE_S = 600.0
LINES = 500  # a page
PAGE = 1_000  # reports at a time
PAGES_LIFE = timedelta(days=30)
_A_MOMENT = timedelta(milliseconds=1)
_NOTHING = "Nothing of this is stored. Copies that are sealed under a hold are not looked through."


class AuthorityClerk:
    """Works off what was approved. Several may run: a case is made by one at a time."""

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        while not stop.is_set():
            with survived(log, waits="cases_wait", broken_off="case_broken_off"):
                while await self.step():
                    pass
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def step(self) -> bool:
        """Make what one case hands out; return whether there was one."""
        now = self._clock.now()
        case = await self._records.change_one(
            AuthorityCase,
            is_("state", CaseState.APPROVED),
            at_most("lease_until", now),
            order_by="received_at",
            lease_until=now + timedelta(seconds=LEASE_S),
        )
        if case is None:
            return False
        await remove_every(self._records, HandedPage, is_("case_id", case.id))
        digest, counts, number, waiting = hashlib.sha256(), dict[str, int](), 0, list[str]()
        others: dict[str, set[str]] = {}
        held: AuthorityCase | None = case
        async for collection, values, persons in self._lines(case):
            counts[collection] = counts.get(collection, 0) + 1
            for person in persons:
                others.setdefault(person, set()).update(_named(case, collection))
            waiting.append(_line({"collection": collection, **values}))
            if len(waiting) >= LINES:
                held = held and await self._put(held, number, waiting, digest, now)
                if held is None:
                    break
                number, waiting = number + 1, []
        held = held and await self._put(held, number, waiting if counts else [_nothing(case)], digest, now)
        made = held and await settle(
            self._records,
            held,
            state=CaseState.READY,
            digest=digest.hexdigest(),
            pages=number + 1,
            counts=counts,
            others={person: sorted(names) for person, names in sorted(others.items())},
        )
        if made is None:
            await self._let_go(case)
        else:
            log.info("case_ready", case_id=case.id, records=sum(counts.values()))
        return True

    async def _put(
        self, case: AuthorityCase, number: int, lines: list[str], digest: "hashlib._Hash", now: datetime
    ) -> AuthorityCase | None:
        """Write a page, if the case is still ours; return it with its lease prolonged, else None."""
        held = await settle(self._records, case, lease_until=self._clock.now() + timedelta(seconds=LEASE_S))
        if held is None:
            return None
        content = "".join(lines)
        digest.update(content.encode())
        made = HandedPage(
            id=page_id(case.id, number),
            case_id=case.id,
            number=number,
            content=content,
            expires_at=now + PAGES_LIFE,
        )
        return held if await self._records.add_all([made]) else None  # else another is at it, and was a moment quicker

    async def _let_go(self, case: AuthorityCase) -> None:
        """Leave a case that is not ours any more: of one that was refused meanwhile no page stays."""
        found = await self._records.get(AuthorityCase, case.id)
        if found is None or found.state is CaseState.REFUSED:
            await remove_every(self._records, HandedPage, is_("case_id", case.id))

    async def _lines(self, case: AuthorityCase) -> AsyncIterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
        """Yield what was approved, a record at a time: its collection, the approved fields, who else it is about."""
        for collection, names in by_collection(case.fields).items():
            if collection == TELEMETRY_COLLECTION:
                async for values in self._reports(case, names):
                    yield collection, values, ()
                continue
            kind = kind_named(collection)
            tests = [is_(kind.account or "", case.account_id), *_within(case, moment_of(kind))]
            async for each in every(self._records, kind, *tests):
                yield collection, without_ways_in(each, stored_values(each, names)), _others(each, case.account_id)

    async def _reports(self, case: AuthorityCase, names: tuple[str, ...]) -> AsyncIterator[dict[str, Any]]:
        """Yield what the sockets of the account reported in that time, and since they are this customer's."""
        if case.begins is None or case.ends is None:
            return
        for device in await self._records.find(Device, is_("owner_id", case.account_id)):
            start, last = max(case.begins, device.claimed_at or case.begins), None
            while True:
                page = await self._telemetry.reports(device.id, start=start, end=case.ends, after=last, limit=PAGE)
                for each in page:
                    boot, seq = as_the_device_says(each.order)
                    told = {"boot": boot, "seq": seq, "ts": each.at_ms, **each.fields}
                    wanted = {name: told[name] for name in names if name in told}
                    yield {"device_id": device.id, "at": to_text(from_ms(each.at_ms)), **wanted}
                if len(page) < PAGE:
                    break
                last = page[-1]


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


def _nothing(case: AuthorityCase) -> str:
    """Return the line that says that nothing of this is stored: a file without a byte could as well be broken.

    It does not say that there is nothing: what is sealed under a hold is not looked through.
    """
    begins, ends = (None if each is None else to_text(each) for each in (case.begins, case.ends))
    return _line({"nothing": _NOTHING, "fields": list(case.fields), "from": begins, "to": ends})


def _named(case: AuthorityCase, collection: str) -> list[str]:
    return [each for each in case.fields if each.partition(".")[0] == collection]


def _others(each: Record, account_id: str) -> tuple[str, ...]:
    """Return who else a record tells about: whose values it holds, or a guest at what it names."""
    kind = type(each)
    found = {getattr(each, name) for name in (kind.subject, kind.guest) if name is not None}
    return tuple(sorted(found - {None, account_id}))


def _within(case: AuthorityCase, moment: str | None) -> list[Test]:
    if moment is None or case.begins is None or case.ends is None:
        return []
    return [above(moment, case.begins - _A_MOMENT), at_most(moment, case.ends - _A_MOMENT)]
