"""Threads that stand back: what may take its time takes less of the cores than what may not."""

import os
import sys
import threading

BACK = 5
"""A third of the usual share. Not the least of all: whoever is put aside while they hold the interpreter, or a lock,
holds up those in front of whom they stand back."""


def stand_back(niceness: int = BACK) -> None:
    """Give the calling thread a smaller share of the cores, as the initializer of a pool does.

    Linux alone can do it for one thread; elsewhere it goes on as it is. A process that was started with less keeps
    that: only a superuser may take more.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))
