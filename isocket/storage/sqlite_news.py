"""Which devices said something, came or went after a place in the order of the commits."""

import json
import sqlite3
from collections.abc import Sequence

from isocket.storage.telemetry import News, NewsCursor

MOST_REPORTS = 50_000  # that are looked through; from further back everybody is named
_UPTO = """
SELECT max((SELECT ifnull(max(id), 0) FROM report_log), ?),
  max((SELECT ifnull(max(number), 0) FROM came_and_went), ?),
  (SELECT ifnull(min(number), 1) FROM came_and_went)
"""
_FRESH = """
SELECT name FROM heard WHERE name IN (SELECT value FROM json_each(:asked)) AND device IN (
  SELECT device FROM report_log WHERE id > :said AND id <= :said_upto AND kind = 'state'
  UNION SELECT device FROM came_and_went WHERE number > :came AND number <= :came_upto)
"""
_KNOWN = "SELECT name FROM heard WHERE name IN (SELECT value FROM json_each(:asked))"


def news_of(connection: sqlite3.Connection, after: NewsCursor | None, device_ids: Sequence[str]) -> News:
    """Return the place of now, and which of the devices have moved since another.

    The place is read first: what is committed meanwhile is for the next look.
    """
    said, came = after or (0, 0)
    said_upto, came_upto, oldest = connection.execute(_UPTO, (said, came)).fetchone()
    upto = (said_upto, came_upto)
    if after is None or upto == after or not device_ids:
        return News(upto=upto, device_ids=())
    statement = _KNOWN if said_upto - said > MOST_REPORTS or came < oldest - 1 else _FRESH
    asked = {"said": said, "said_upto": said_upto, "came": came, "came_upto": came_upto}
    found = {
        name for (name,) in connection.execute(statement, {**asked, "asked": json.dumps(list(device_ids))}).fetchall()
    }
    return News(upto=upto, device_ids=tuple(each for each in device_ids if each in found))
