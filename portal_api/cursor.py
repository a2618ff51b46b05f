"""Where a list goes on: the order value and the id of the last item, packed so that nobody builds upon it.

A cursor is not signed: it can only name a place in a list that its caller may read anyway.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import TypeVar

from isocket.domain.record import Record
from isocket.kit.clock import from_ms, to_ms
from isocket.storage.port import Records, Test, Value
from portal_api.problem import Problem, ProblemError, fault

R = TypeVar("R", bound=Record)
MAX_LENGTH = 2048


def encode(value: Value, record_id: str) -> str:
    """Return the cursor for the item with this order value and id."""
    plain = {"t": to_ms(value)} if isinstance(value, datetime) else {"v": value}
    packed = json.dumps([plain, record_id], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def decode(text: str) -> tuple[Value, str]:
    """Return (order value, id) from what `encode` made.

    Raises:
        ProblemError: 422 naming `cursor`: this is none of ours.
    """
    try:
        return _decode(text)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, binascii.Error):
        raise ProblemError(fault("cursor", "This is not a cursor of ours.")) from None


def _decode(text: str) -> tuple[Value, str]:
    if len(text) > MAX_LENGTH:
        raise ValueError("too long")
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    plain, record_id = json.loads(packed)
    value: Value = from_ms(plain["t"]) if "t" in plain else plain["v"]
    if not isinstance(record_id, str) or isinstance(value, dict | list):
        raise TypeError("not an order value and an id")
    return value, record_id


async def page_of(
    records: Records,
    kind: type[R],
    *tests: Test,
    cursor: str | None,
    limit: int,
    order_by: str = "id",
    descending: bool = False,
) -> tuple[list[R], str | None]:
    """Return up to `limit` records after `cursor`, and the cursor for what follows (None at the end).

    Raises:
        ProblemError: 422 when the cursor is none of ours, or belongs to a list in another order.
    """
    after = decode(cursor) if cursor else None
    try:
        found = await records.find(kind, *tests, order_by=order_by, descending=descending, limit=limit + 1, after=after)
    except (TypeError, ValueError):
        raise ProblemError(wrong_list()) from None
    shown = found[:limit]
    more = len(found) > limit
    return shown, encode(getattr(shown[-1], order_by), shown[-1].id) if more else None


def wrong_list() -> Problem:
    """Return the problem of a cursor that fits no order of the list that is asked for."""
    return fault("cursor", "This cursor belongs to another list.")
