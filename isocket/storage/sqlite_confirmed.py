"""How far each device was told that everything is stored, what is stored beyond, and what by one name."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from isocket.domain.reports import Order, Report
from isocket.storage.sqlite_waiting import REPORT, report_of
from isocket.storage.telemetry import Confirmed

MOST_BEYOND, FEW_BEYOND = 100_000, 50  # of what is stored and not confirmed: at all, and on the event loop

_BEYOND = """
SELECT json_group_array(json_array(boot, seq)) FROM (
  SELECT boot, seq FROM orders WHERE device = ? AND (boot, seq) > (?, ?) ORDER BY boot, seq LIMIT ?)
"""
_NAMED = f"""
SELECT {REPORT} FROM reports_in_order WHERE device = (SELECT device FROM heard WHERE name = ?) AND boot = ? AND seq = ?
"""
_TELL = """
UPDATE heard SET told_boot = value ->> 1, told_seq = value ->> 2 FROM json_each(?)
WHERE name = value ->> 0 AND (ifnull(told_boot, -1), ifnull(told_seq, -1)) < (value ->> 1, value ->> 2)
"""


def note_told(connection: sqlite3.Connection, upto: Mapping[str, Order]) -> int:
    """Note how far devices were told; it only grows, and unknown ones are passed over."""
    rows = json.dumps([(device_id, boot, seq) for device_id, (boot, seq) in upto.items()])
    return connection.execute(_TELL, (rows,)).rowcount


def few_confirmed(connection: sqlite3.Connection, device_ids: Sequence[str]) -> dict[str, Confirmed] | None:
    """Return how far each was confirmed, None where there is much to read of one of them."""
    found: dict[str, Confirmed] = {}
    for device_id in device_ids:
        found[device_id] = confirmed_of(connection, device_id, FEW_BEYOND + 1)
        if len(found[device_id].beyond) > FEW_BEYOND:
            return None
    return found


def confirmed_of(connection: sqlite3.Connection, device_id: str, most: int = MOST_BEYOND) -> Confirmed:
    """Return how far a device was told, known or not, and at most so many orders beyond."""
    asked = "SELECT device, told_boot, told_seq FROM heard WHERE name = ?"
    row = connection.execute(asked, (device_id,)).fetchone()
    if row is None:
        return Confirmed(upto=None, beyond=())
    device, boot, seq = row
    told = None if boot is None else (boot, seq)
    beyond = json.loads(connection.execute(_BEYOND, (device, *(told or (-1, -1)), most)).fetchone()[0])
    return Confirmed(upto=told, beyond=tuple((each[0], each[1]) for each in beyond))


def report_named(connection: sqlite3.Connection, device_id: str, order: Order) -> Report | None:
    """Return the message of a device that has this boot and seq."""
    row = connection.execute(_NAMED, (device_id, *order)).fetchone()
    return None if row is None else report_of(device_id, row)
