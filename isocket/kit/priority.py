"""Threads that stand back: what may take its time takes no core from what may not."""

import os
import sys
import threading

LEAST = 19


def stand_back(niceness: int = LEAST) -> None:
    """Give the calling thread a small share of the cores, as the initializer of a pool does; usually the least.

    Linux alone can do it for one thread; elsewhere it goes on as it is. A process that was started with less keeps
    that: only a superuser may take more.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))
