"""SQLite is told not to count its memory: tried in a process of its own, which can tell it but once."""

import json
import subprocess
import sys

TOLD = """
import _sqlite3, ctypes, json, sqlite3, sys
from isocket.storage.sqlite_allocator import stop_counting

can_be_told = sys.platform == "linux" and hasattr(_sqlite3, "__file__")
assert [stop_counting(), stop_counting()] == [can_be_told] * 2
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE things (name TEXT)")
connection.execute("INSERT INTO things VALUES (hex(randomblob(50000)))")
(length,) = connection.execute("SELECT length(name) FROM things").fetchone()
counted = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used() if can_be_told else 0
print(json.dumps([length, counted]))
"""


def test_memory_is_not_counted_and_everything_works_as_before() -> None:
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [100_000, 0]


IN_USE = """
import sqlite3
from isocket.storage.sqlite_allocator import stop_counting

connection = sqlite3.connect(":memory:")
assert not stop_counting()
connection.execute("CREATE TABLE things (name TEXT)")
"""


def test_nothing_is_changed_below_a_connection_that_is_open() -> None:
    done = subprocess.run([sys.executable, "-c", IN_USE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
