"""Holds outlive a restored backup: one that the backup does not know is in force again, one that is over stays over.

Like the ledger of choices it is a small file apart from the store. It holds hashes, days and fixed words, and of the
reason nothing: that is sealed in the store, and is lost with it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.erasures import tombstone
from isocket.domain.holds import REGISTER_YEARS, Hold, HoldGround, HoldState
from isocket.domain.periods import years_later
from isocket.kit.clock import Clock, from_text, to_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, every, is_
from privacy.choice_ledger import Choice, ChoiceLedger, Folded

log = get_logger(__name__)

REASON_IS_LOST = "The words were lost when a backup was restored that was older than the hold."


async def note_holds(records: Records, ledger: ChoiceLedger, now: datetime) -> int:
    """Copy what changed of holds into the ledger; return how many lines that was.

    A hold that the register keeps no longer is taken out of it: three years after it was over.
    """
    noted: Folded = await asyncio.to_thread(ledger.folded)
    news, there = [], set[str]()
    async for each in every(records, Hold):
        there.add(each.id)
        choice = Choice(Hold.collection, each.id, _content(each))
        if noted.get((choice.collection, choice.key)) != choice:
            news.append(choice)
    if news:
        await asyncio.to_thread(ledger.note, news)
    await asyncio.to_thread(ledger.forget, lambda each: each.key not in there and _is_forgotten(each, now))
    return len(news)


def _is_forgotten(noted: Choice, now: datetime) -> bool:
    """Return whether the register keeps a hold no longer; lines of earlier versions do not say when it was over."""
    if noted.content is None:
        return True
    over_at = noted.content.get("over_at") or noted.content["ends_at"]
    return years_later(from_text(over_at), REGISTER_YEARS) <= now


async def replay_holds(records: Records, ledger: ChoiceLedger, clock: Clock) -> int:
    """Put back what a restored backup undid of holds; return how many. Called before erasures are replayed.

    Raises:
        ChoicesBrokenError: it cannot be told what is held.
    """
    noted, now, back = await asyncio.to_thread(ledger.folded), clock.now(), 0
    accounts: dict[str, str] = {}
    for each in noted.values():
        if each.content is None:
            continue
        known = await records.get(Hold, each.key)
        in_force = each.content["state"] == HoldState.IN_FORCE.value and from_text(each.content["ends_at"]) > now
        if known is None and in_force:
            accounts = accounts or {tombstone(found.id): found.id async for found in every(records, Account)}
            account_id = accounts.get(each.content["account"])
            back += account_id is not None and await records.add_all([_again(each.key, account_id, each.content, now)])
        elif known is not None and known.state is HoldState.IN_FORCE and _content(known) != each.content:
            if in_force and from_text(each.content["review_at"]) < known.review_at:
                continue  # it was reviewed since: whoever died a moment later had no time to note it
            days = {name: from_text(each.content[name]) for name in ("ends_at", "review_at")}
            noted_end = each.content.get("over_at")  # lines of earlier versions do not have it
            over_at = now if noted_end is None else from_text(noted_end)
            changes = days if in_force else {"state": HoldState.OVER, "over_at": over_at}
            changed = await records.change_one(Hold, is_("id", known.id), is_("state", HoldState.IN_FORCE), **changes)
            back += changed is not None
    if back:
        log.warning("holds_replayed", records=back)
    return back


def _content(hold: Hold) -> dict[str, Any]:
    content = {
        "account": tombstone(hold.account_id),
        "state": hold.state.value,
        "ground": hold.ground.value,
        "parts": list(hold.parts),
        "placed_by": hold.placed_by,
        "placed_at": to_text(hold.placed_at),
        "review_at": to_text(hold.review_at),
        "ends_at": to_text(hold.ends_at),
        "silent_until": None if hold.silent_until is None else to_text(hold.silent_until),
    }
    return content if hold.over_at is None else {**content, "over_at": to_text(hold.over_at)}


def _again(hold_id: str, account_id: str, content: Mapping[str, Any], now: datetime) -> Hold:
    silent = content["silent_until"]
    return Hold(
        id=hold_id,
        account_id=account_id,
        ground=HoldGround(content["ground"]),
        parts=tuple(content["parts"]),
        reason=REASON_IS_LOST,
        placed_by=content["placed_by"],
        placed_at=from_text(content["placed_at"]),
        review_at=from_text(content["review_at"]),
        ends_at=from_text(content["ends_at"]),
        silent_until=None if silent is None else from_text(silent),
        copy_due_at=now,
    )
