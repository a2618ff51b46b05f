"""The ledger of who was given what, as a copy of somebody's data holds it: a table, and a summary for its index."""

import asyncio
import html
import zipfile
from collections.abc import Mapping
from datetime import datetime

from isocket.domain.disclosures import LedgerLine
from isocket.kit.clock import to_text
from isocket.storage.disclosed import all_disclosed, of_account
from isocket.storage.port import Records
from privacy.cells import cell, rows_as_csv

TABLE = "disclosures.csv"
_AT_ONCE = 500
_HEADS = ["at", "to", "recipient", "way", "kind", "about", "what", "purpose", "basis", "reason"]

Given = Mapping[tuple[str, str], tuple[int, datetime]]
"""How often each recipient was given something, and when last."""


async def write_ledger(archive: zipfile.ZipFile, records: Records, account_id: str, now: datetime) -> Given:
    """Write the table into a zip, the newest line first; return who is in it."""
    given: dict[tuple[str, str], tuple[int, datetime]] = {}
    waiting = [list(_HEADS)]
    with archive.open(TABLE, "w", force_zip64=True) as member:
        async for told in all_disclosed(records, of_account(account_id), now=now):
            who = (told.to, told.recipient)
            times, last = given.get(who, (0, told.at))
            given[who] = (times + 1, max(last, told.at))
            waiting.append(_row(told))
            if len(waiting) >= _AT_ONCE:
                await asyncio.to_thread(member.write, rows_as_csv(waiting))  # alarms have the event loop meanwhile
                waiting = []
        member.write(rows_as_csv(waiting))
    return given


def rows_of(given: Given) -> str:
    """Return the rows of the index's table, most often first."""
    in_order = sorted(given.items(), key=lambda each: (-each[1][0], each[0]))
    return "".join(
        f"<tr><td>{html.escape(to)}<td>{html.escape(recipient)}<td>{times}<td>{to_text(last)}"
        for (to, recipient), (times, last) in in_order
    )


def _row(told: LedgerLine) -> list[str]:
    said = (
        to_text(told.at), told.to, told.recipient, told.way, told.kind, told.subject_id, ", ".join(told.what),
        told.purpose, told.basis, told.reason,
    )  # fmt: skip
    return [cell(each) for each in said]
