"""Lines of a table, written by SQLite itself: a year of one socket is half a million lines, and alarms need the
interpreter meanwhile. A page is one statement, so that the interpreter's lock is given away once a page.
"""

import sqlite3

from isocket.storage.table import AFTER, BEFORE, GUARDED, LISTS, TEXTS, TOLD, Table, TableCursor


def _facts(*names: str) -> str:
    """Return what several fields say, in one look at the report; those that are absent say nothing."""
    return f"replace({_said(*names)}, 'null', '')"


def _said(*names: str) -> str:
    paths = ", ".join(f"'$.{name}'" for name in names)
    return f"trim(json_extract(body, {paths}), '[]')"


def _list(name: str) -> str:
    return f"""ifnull('"' || (body -> '$.{name}') || '"', '')"""


def _text(name: str) -> str:
    said = f"(body ->> '$.{name}')"
    guard = f"CASE WHEN {said} <> '' AND instr({_GUARDED}, substr({said}, 1, 1)) THEN '''' ELSE '' END"
    return f"""CASE WHEN {said} IS NULL THEN '' ELSE '"' || {guard} || replace({said}, '"', '""') || '"' END"""


_GUARDED = " || ".join(f"char({ord(each)})" for each in GUARDED)
# Every function costs, two and a half million times over. So all is taken out at once, and lists get their quotes
# where they stand; but where one holds a null (a probe is missing), that must stay.
_AT_ONCE = f"""replace(replace(replace({_said(*BEFORE, *LISTS, *AFTER)}, ',[', ',"['), ']', ']"'), 'null', '')"""
_ONE_BY_ONE = " || ',' || ".join([_facts(*BEFORE), *map(_list, LISTS), _facts(*AFTER)])
_GUARDED_TEXTS = " || ',' || ".join(map(_text, TEXTS))
# In JSON a text without a backslash is written as it is here, but for a guard.
_PLAIN_TEXTS = rf"""
CASE WHEN instr(body, 'null') OR instr(body, '\') THEN {_GUARDED_TEXTS}
     ELSE replace({_said(*TEXTS)}, 'null', '') END
"""
_TO_BE_GUARDED = tuple(f'"{sign}'.encode() for sign in GUARDED if sign.isprintable())  # JSON escapes the others
_OURS = "device = (SELECT device FROM heard WHERE name = :name) AND at >= :at AND at < :end AND (at, id) > (:at, :id)"
_LAST = f"SELECT at, id FROM reports_in_time WHERE {_OURS} ORDER BY at, id LIMIT 1 OFFSET :limit - 1"
_KINDS = ", ".join(f"'{kind.value}'" for kind in TOLD)


def _page(texts: str) -> str:
    line = f"""
printf('%s.%03dZ,%s,%s.%03dZ,%s,%d,%d,%s,%s',
  datetime(received / 1000, 'unixepoch'), received % 1000, kind, datetime(at / 1000, 'unixepoch'), at % 1000,
  clock, boot, seq, CASE WHEN instr(body, 'null') THEN {_ONE_BY_ONE} ELSE {_AT_ONCE} END, {texts})
"""
    return f"""
SELECT cast(ifnull(group_concat(line, ''), '') AS blob), count(*) FROM (
  SELECT {line} || char(13, 10) AS line FROM (
    SELECT * FROM reports_in_time
    WHERE {_OURS} AND at <= :last_at AND (at, id) <= (:last_at, :last_id) AND kind IN ({_KINDS}) ORDER BY at, id))
"""


_PLAIN_PAGE, _GUARDED_PAGE = _page(_PLAIN_TEXTS), _page(_GUARDED_TEXTS)


def table_of(connection: sqlite3.Connection, device_id: str, *, after: TableCursor, end_ms: int, limit: int) -> Table:
    """Return a page of the table of one device.

    To look at the beginning of each text costs as much as all the rest of its line, so it is done to a page in which
    there is one that matters.
    """
    asked = {"name": device_id, "at": after[0], "id": after[1], "end": end_ms, "limit": limit}
    last: TableCursor | None = connection.execute(_LAST, asked).fetchone()
    until = last or (end_ms, 0)
    asked |= {"last_at": until[0], "last_id": until[1]}
    lines, rows = connection.execute(_PLAIN_PAGE, asked).fetchone()
    if any(beginning in lines for beginning in _TO_BE_GUARDED):
        lines, rows = connection.execute(_GUARDED_PAGE, asked).fetchone()
    return Table(lines, rows, last)
