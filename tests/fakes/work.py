"""How much a machine had to work for something. How long that took depends on what else it had to do meanwhile."""

import os
import time
from pathlib import Path


def worked_s(*processes: int) -> float:
    """Return the seconds that these processes, and those they started and saw end, spent on a processor so far."""
    return sum(_ticks(each) for each in processes) / os.sysconf("SC_CLK_TCK")


def worked_here_s(*processes: int) -> float:
    """Return the same with what this process itself has worked, without those that it started."""
    return time.process_time() + worked_s(*processes)


def _ticks(process: int) -> int:
    of_itself_and_children = slice(11, 15)  # utime, stime, cutime, cstime, counted from what follows the name
    numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in numbers[of_itself_and_children])
