"""What a socket reported as lines of a table (RFC 4180): the columns, and how a cell is written, whatever the store.

A cell holds what JSON says of its value: `true`, `21.5`. Texts and lists stand in quotes; a text that a spreadsheet
would carry out as a formula has an apostrophe in front.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from isocket.domain.reports import Report, ReportKind
from isocket.kit.clock import from_ms, to_text

TOLD = (ReportKind.STATE, ReportKind.ALARM)
"""The messages that a table holds: what a socket says of itself, not its answers to us."""

NAMES = ("received", "kind", "ts", "clock", "boot", "seq")
BEFORE = ("relay", "relay_cause", "aux", "mains", "battery_pct", "charging")
LISTS = ("temp_c", "input")
AFTER = ("armed", "signal_dbm", "signal_pct", "uptime_s", "cause", "active", "value", "probe")
TEXTS = ("credit", "fw")
"""Beside texts there are numbers, true and false, and words of a fixed list: nothing in these needs escaping."""

COLUMNS = (*NAMES, *BEFORE, *LISTS, *AFTER, *TEXTS)
HEAD = ",".join(COLUMNS).encode() + b"\r\n"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what begins so, a spreadsheet carries out (OWASP, "CSV Injection")
GUARDED = "".join(FORMULA) + "'"  # the apostrophe too, so that each text can be read back

TableCursor = tuple[int, int]
"""Behind which line a page begins: its time, and the number of its arrival."""


class Table(NamedTuple):
    """Some lines, and behind which place the next page begins; None: that was all."""

    lines: bytes
    rows: int
    next: TableCursor | None


def line_of(report: Report) -> str:
    """Return one line."""
    told = report.fields
    cells = (
        _moment(report.received_ms), report.kind.value, _moment(report.at_ms), report.clock.value,
        str(report.boot), str(report.seq),
        *(_said(told.get(name)) for name in BEFORE),
        *(f'"{_said(told[name])}"' if told.get(name) is not None else "" for name in LISTS),
        *(_said(told.get(name)) for name in AFTER),
        *(_quoted(told[name]) if told.get(name) is not None else "" for name in TEXTS),
    )  # fmt: skip
    return ",".join(cells) + "\r\n"


def fields_of_line(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return what the cells of a line say, as a report's fields.

    Raises:
        ValueError: a cell is not as it is written here.
    """
    found: dict[str, Any] = {}
    for name in (*BEFORE, *LISTS, *AFTER):
        text = cells.get(name)
        if text:
            found[name] = text if name in {"relay_cause", "cause"} else json.loads(text)
    for name in TEXTS:
        text = cells.get(name)
        if text:
            found[name] = text.removeprefix("'")
    return found


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _moment(at_ms: int) -> str:
    """Return a time as RFC 3339 allows it and spreadsheets read it: with a space in the middle."""
    return to_text(from_ms(at_ms)).replace("T", " ")


def _said(value: Any) -> str:
    return "" if value is None else _json(value)


def _quoted(text: str) -> str:
    guard = "'" if text.startswith(tuple(GUARDED)) else ""
    return '"' + guard + text.replace('"', '""') + '"'
