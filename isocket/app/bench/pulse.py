"""A process of its own that computes the same small thing now and then: what the processor takes, in the same run.

Where its cores belong to others as well, some of its times are many times the middle one, and nothing that is measured
beside it can be steadier than that.
"""

import json
import select
import sys
from time import perf_counter

EVERY_S = 0.25  # seldom: an alarm beside it wants a core
_ROUNDS = 12_000


def compute() -> float:
    """Do always the same; return the seconds it took."""
    began = perf_counter()
    kept: dict[int, str] = {}
    for number in range(_ROUNDS):
        kept[number & 63] = str(number)
    return perf_counter() - began


def run() -> list[float]:
    """Compute, once at least, until standard input has something to say or ends; return how many seconds each took."""
    took = [compute()]
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        took.append(compute())
    return took


if __name__ == "__main__":
    print("ready", flush=True)
    print(json.dumps(run()), flush=True)
