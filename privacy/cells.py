"""Tables for spreadsheets: rows as CSV, in which nothing is a formula."""

import csv
import io
import json
from typing import Any

from isocket.storage.table import FORMULA

_list_text = json.JSONEncoder().encode


def cell(value: Any) -> Any:
    """Return a value as it stands in a cell; a list is written as JSON."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return _list_text(value) if isinstance(value, list) else value


def rows_as_csv(rows: list[list[Any]]) -> bytes:
    """Return rows, whose cells were made by `cell`, as lines of a table."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
