"""How long to wait before the next try: pure, with full jitter."""

import random


def full_jitter(attempt: int, *, base_s: float, cap_s: float, chance: random.Random | None = None) -> float:
    """Return seconds to wait before try number `attempt` (0 for the first repeat).

    Any length between 0 and min(cap, base * 2^attempt) is equally likely, so that many who failed together
    do not come back together (M. Brooker, "Exponential Backoff And Jitter", 2015).
    """
    ceiling = min(cap_s, base_s * 2 ** min(attempt, 32))
    return (chance or random.SystemRandom()).uniform(0.0, ceiling)
