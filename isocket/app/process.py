"""What is set once for the whole process, before anything else runs."""

import gc
import os
import sys

from isocket.storage.sqlite_allocator import stop_counting

SWITCH_INTERVAL_S = 0.0005
YOUNG_OBJECTS = 20_000
"""After so many new objects Python looks for rings among them. At its own 700 it looked with every few reports, which
are no rings and gone in a moment: 5 µs a report, and now and then a long look at everything."""


def keep_files_private() -> None:
    """Let every file that we make be readable by our user only."""
    os.umask(0o077)


def tune_process() -> None:
    """Let threads change places ten times as often as Python's default, and keep out of each other's way in SQLite.

    The threads that read from the broker and write to the disk are short of time, not of work: they must not wait
    5 ms each for the interpreter.
    """
    stop_counting()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(YOUNG_OBJECTS)


def settle_in() -> None:
    """Call it when everything is built: what stays until the end is not looked through again for garbage."""
    gc.collect()
    gc.freeze()
