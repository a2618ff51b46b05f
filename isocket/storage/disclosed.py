"""Reads the ledger of who was given what: stored lines, and what the attempts to send messages say, in one order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from isocket.domain.deliveries import Attempt, Delivery
from isocket.domain.disclosures import Disclosure, LedgerLine, of_line, of_message
from isocket.storage.port import PAGE, Records, Test, Value, at_most, is_, one_of

PageCursor = tuple[Value, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose ledger is read: that of an account with everybody whom it entered, or that of one person."""

    messages: Test
    lines: Test


def of_account(account_id: str) -> Whose:
    """Return the ledger of an account: what concerns its holder, and whom they entered."""
    return Whose(messages=is_("account_id", account_id), lines=is_("account_id", account_id))


def of_person(person_id: str) -> Whose:
    """Return the ledger of one person, for instance of a contact."""
    return Whose(messages=is_("person_id", person_id), lines=is_("subject_id", person_id))


async def disclosed(
    records: Records, whose: Whose, *, now: datetime, limit: int, after: PageCursor | None = None
) -> tuple[list[LedgerLine], PageCursor | None]:
    """Return the newest lines after a place, and the place from which it goes on (None at the end).

    There may be fewer than `limit`: a message of which nothing but the attempt is left leaves a gap. What the law
    forbids to tell yet leaves none, neither in the lines nor in the place: it is not looked for.
    """
    attempts = await records.find(
        Attempt, whose.messages, order_by="started_at", descending=True, limit=limit + 1, after=after
    )
    lines = [
        each
        for test in (is_("silent_until", None), at_most("silent_until", now))
        for each in await records.find(
            Disclosure, whose.lines, test, order_by="at", descending=True, limit=limit + 1, after=after
        )
    ]
    ids = sorted({each.delivery_id for each in attempts})
    letters = {each.id: each for each in await records.find(Delivery, one_of("id", ids))} if ids else {}
    found: list[tuple[datetime, str, LedgerLine | None]] = [
        (each.started_at, each.id, of_message(each, letters[each.delivery_id]) if each.delivery_id in letters else None)
        for each in attempts
    ]
    found += [(each.at, each.id, of_line(each)) for each in lines]
    found.sort(key=lambda each: each[:2], reverse=True)
    shown = found[:limit]
    goes_on = (shown[-1][0], shown[-1][1]) if len(found) > limit else None
    return [told for _, _, told in shown if told is not None], goes_on


async def all_disclosed(records: Records, whose: Whose, *, now: datetime) -> AsyncIterator[LedgerLine]:
    """Yield the whole ledger, the newest line first, a page at a time."""
    place: PageCursor | None = None
    while True:
        told, place = await disclosed(records, whose, now=now, limit=PAGE, after=place)
        for each in told:
            yield each
        if place is None:
            return
