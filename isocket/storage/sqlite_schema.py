"""The tables of telemetry on one SQLite file: devices as they were heard, and what waits."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
  device INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  boot INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0,
  clock TEXT NOT NULL DEFAULT 'server', fields TEXT NOT NULL DEFAULT '{}',
  offline_at INTEGER, envelope TEXT, waiting_since INTEGER, wake_at INTEGER, silent_after INTEGER,
  woken INTEGER NOT NULL DEFAULT 0, lease_until INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0,
  handed_out INTEGER NOT NULL DEFAULT 0, told_boot INTEGER, told_seq INTEGER,
  claimed_at INTEGER, silence_judged INTEGER);
CREATE INDEX IF NOT EXISTS heard_waiting ON heard (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS heard_wake ON heard (wake_at) WHERE wake_at IS NOT NULL;
DROP INDEX IF EXISTS heard_revision;
CREATE TABLE IF NOT EXISTS unjudged (device INTEGER NOT NULL, report INTEGER NOT NULL, PRIMARY KEY (device, report))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS came_and_went (number INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS telemetry_revision (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO telemetry_revision VALUES (1, 1);
"""
