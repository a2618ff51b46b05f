"""What the writer's thread keeps in memory of each device, so that a quiet report costs no look-up."""

import json
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from isocket.domain.reports import ClockQuality, DeviceState, Envelope, Report, ReportKind, of_the_device
from isocket.kit.clock import from_ms
from isocket.storage.envelope_text import envelope_from_text

STATE = "name, boot, seq, at, received, clock, fields, offline_at"
"""The columns of a device's latest state."""

_STATE = ReportKind.STATE
_ALARM = ReportKind.ALARM
_NUMBER = "INSERT INTO heard (name) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
_KNOWN = "SELECT name, device, CASE WHEN waiting_since IS NULL THEN envelope END FROM heard"
_HURRY = """
UPDATE heard SET urgent_since = ? WHERE urgent_since IS NULL AND device IN (SELECT value FROM json_each(?))
"""


class ToJudge(NamedTuple):
    """What of a batch a rule has to see: (device, report) of each, whose devices, and which of these say an alarm."""

    reports: list[tuple[int, int]]
    devices: list[int]  # urgent ones first
    urgent: AbstractSet[int]


class HeardDevices:
    """Numbers and envelopes of devices. True to the file: other processes' changes are seen by their revision."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._envelopes: dict[int, Envelope] = {}  # only of devices that do not wait
        self._revision = -1
        self._data_version = -1

    def numbers(self, connection: sqlite3.Connection, reports: Sequence[Report]) -> list[int]:
        """Return each report's device number; devices heard for the first time get one."""
        self._refresh(connection)
        known = self._numbers
        unknown = {report.device_id for report in reports if report.device_id not in known}
        if unknown:
            self._learn(connection, unknown)
        return [known[report.device_id] for report in reports]

    def number(self, connection: sqlite3.Connection, device_id: str) -> int:
        """Return one device's number, made where it had none."""
        self._refresh(connection)
        if device_id not in self._numbers:
            self._learn(connection, {device_id})
        return self._numbers[device_id]

    def to_judge(self, numbers: Sequence[int], reports: Sequence[Report], ids: Sequence[int | None]) -> ToJudge:
        """Return each new report that a rule has to see; from the first on, its device waits.

        `ids`: None for those that are not new.
        """
        envelopes = self._envelopes
        found, urgent = list[tuple[int, int]](), dict[int, None]()
        for number, report, report_id in zip(numbers, reports, ids, strict=True):
            if report.kind is _STATE:
                envelope = envelopes.get(number)
                if envelope is not None and envelope.holds(report.fields):
                    continue
            elif report.kind is not _ALARM:
                continue
            if report_id is not None:
                envelopes.pop(number, None)
                found.append((number, report_id))
                if report.kind is _ALARM:
                    urgent[number] = None
        return ToJudge(found, list(dict.fromkeys([*urgent, *(number for number, _ in found)])), urgent.keys())

    def begin_to_wait(
        self,
        connection: sqlite3.Connection,
        numbers: set[int],
        since_ms: int,
        *,
        urgent: AbstractSet[int] = frozenset(),
    ) -> None:
        """Note that devices wait; of those that begin to, other processes must learn that no report is quiet now.

        Their numbers were asked for in this transaction. Those of them that are `urgent` overtake others.
        """
        hurried = sorted(numbers & urgent)
        if hurried:
            connection.execute(_HURRY, (since_ms, json.dumps(hurried)))
        asked = json.dumps(sorted(numbers))
        begun = connection.execute(
            "UPDATE heard SET waiting_since = ? WHERE waiting_since IS NULL"
            " AND device IN (SELECT value FROM json_each(?))",
            (since_ms, asked),
        ).rowcount
        if begun:
            self.count_up(connection)

    def is_open(self, number: int) -> bool:
        """Return whether the device has no envelope, or waits: then being heard at all may be news."""
        return number not in self._envelopes

    def next_revision(self, connection: sqlite3.Connection) -> int:
        """Count up what tells other processes to look again."""
        self._refresh(connection)
        return self.count_up(connection)

    def count_up(self, connection: sqlite3.Connection) -> int:
        """Do as `next_revision`, in a transaction in which a device's number was asked for.

        Then what others wrote is known already, and nobody writes meanwhile.
        """
        row = connection.execute("UPDATE telemetry_revision SET revision = revision + 1 RETURNING revision").fetchone()
        self._revision = int(row[0])
        return self._revision

    def open(self, number: int) -> None:
        """From now on every report of the device is judged, until `reload` finds it settled.

        The revision was counted up in this transaction.
        """
        self._envelopes.pop(number, None)

    def clear(self) -> None:
        """Forget everything: a transaction was rolled back, and with it what was read in it."""
        self._numbers.clear()
        self._envelopes.clear()
        self._data_version = -1

    def reload(self, connection: sqlite3.Connection, number: int) -> None:
        """Read one device again after its envelope or its waiting changed."""
        self._keep(*connection.execute(f"{_KNOWN} WHERE device = ?", (number,)).fetchone())

    def drop(self, device_id: str) -> None:
        """Forget a device."""
        number = self._numbers.pop(device_id, None)
        if number is not None:
            self._envelopes.pop(number, None)

    def _learn(self, connection: sqlite3.Connection, device_ids: AbstractSet[str]) -> None:
        """Read devices, and give a number to those that are heard for the first time."""
        names = (json.dumps(sorted(device_ids)),)
        connection.execute(_NUMBER, names)
        for row in connection.execute(f"{_KNOWN} WHERE name IN (SELECT value FROM json_each(?))", names).fetchall():
            self._keep(*row)

    def _keep(self, name: str, number: int, text: str | None) -> None:
        self._numbers[name] = number
        envelope = None if text is None else envelope_from_text(text)
        if envelope is None:
            self._envelopes.pop(number, None)
        else:
            self._envelopes[number] = envelope

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """Read what other connections changed. `data_version` stays the same while only we write."""
        data_version = connection.execute("PRAGMA data_version").fetchone()[0]
        if data_version == self._data_version:
            return
        first = self._data_version == -1
        self._data_version = data_version
        revision = connection.execute("SELECT revision FROM telemetry_revision").fetchone()[0]
        if first or revision != self._revision:
            self._numbers.clear()
            self._envelopes.clear()
        self._revision = revision


def state_of(row: Sequence[Any]) -> DeviceState:
    """Return what a row of `STATE` says."""
    name, boot, seq, at_ms, received_ms, clock, fields, offline_at = row
    return DeviceState(
        device_id=name,
        boot=boot,
        seq=seq,
        at=from_ms(at_ms),
        received_at=from_ms(received_ms),
        clock=ClockQuality(clock),
        fields=of_the_device(json.loads(fields)),
        online=offline_at is None or received_ms > offline_at,
    )
