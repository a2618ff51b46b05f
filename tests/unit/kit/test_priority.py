"""Threads that may take their time leave the cores to the others."""

import os
import threading

import pytest

from isocket.kit.priority import BACK, stand_back

LEAST = 19  # of all shares, of which there is none less


def niceness_after(*steps: int) -> int:
    """Return the niceness of a thread of its own that stood back so many times."""
    found: list[int] = []

    def run() -> None:
        for each in steps:
            stand_back(each)
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("step", [BACK, LEAST])
def test_a_thread_stands_back_and_its_process_does_not(step: int) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness_after(step) == max(step, before)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_who_stands_back_already_does_not_come_forward() -> None:
    assert niceness_after(LEAST, 0) == LEAST
