"""The tables of telemetry on one SQLite file: devices as they were heard, and what waits."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
  device INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  boot INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0,
  clock TEXT NOT NULL DEFAULT 'server', fields TEXT NOT NULL DEFAULT '{}',
  offline_at INTEGER, envelope TEXT, waiting_since INTEGER, wake_at INTEGER, silent_after INTEGER,
  woken INTEGER NOT NULL DEFAULT 0, lease_until INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0,
  handed_out INTEGER NOT NULL DEFAULT 0, told_boot INTEGER, told_seq INTEGER,
  claimed_at INTEGER, silence_judged INTEGER, urgent_since INTEGER);
CREATE INDEX IF NOT EXISTS heard_waiting ON heard (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS heard_urgent ON heard (urgent_since)
  WHERE urgent_since IS NOT NULL AND waiting_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS heard_wake ON heard (wake_at) WHERE wake_at IS NOT NULL;
DROP INDEX IF EXISTS heard_revision;
CREATE TABLE IF NOT EXISTS unjudged (device INTEGER NOT NULL, report INTEGER NOT NULL, PRIMARY KEY (device, report))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS came_and_went (number INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS telemetry_revision (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO telemetry_revision VALUES (1, 1);
"""
_COLUMNS = "SELECT name FROM pragma_table_info('heard')"


def make_heard(connection: sqlite3.Connection) -> None:
    """Make what is missing. Programs of before name the columns that they write, so theirs may stand beside ours."""
    columns = {name for (name,) in connection.execute(_COLUMNS)}
    if columns and "urgent_since" not in columns:
        connection.execute("ALTER TABLE heard ADD COLUMN urgent_since INTEGER")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
