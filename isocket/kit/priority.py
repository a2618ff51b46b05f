"""Threads that stand back: what may take its time takes no core from what may not."""

import os
import sys
import threading

LEAST = 19


def stand_back() -> None:
    """Give the calling thread the least share of the cores, as the initializer of a pool does.

    Linux alone can do it for one thread; elsewhere it goes on as it is.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST)
