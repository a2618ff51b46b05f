"""What is set once for the whole process, before anything else runs."""

import os
import sys

SWITCH_INTERVAL_S = 0.0005


def keep_files_private() -> None:
    """Let every file that we make be readable by our user only."""
    os.umask(0o077)


def tune_process() -> None:
    """Let threads change places ten times as often as Python's default.

    The threads that read from the broker and write to the disk are short of time, not of work: they must not wait
    5 ms each for the interpreter.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
