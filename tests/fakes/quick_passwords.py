"""Passwords as the portal keeps them, by real bcrypt at the least work that it knows: time is for what is tested."""

from typing import ClassVar

from portal_api.passwords import Passwords

BCRYPT_LEAST = 4


class QuickPasswords(Passwords):
    """A thousandth of a second a password instead of a tenth. What it costs in earnest, `Passwords` itself is asked."""

    least_cost: ClassVar[int] = BCRYPT_LEAST
    niceness: ClassVar[int] = 0  # tests have nobody to stand back for

    def __init__(self, *, pepper: bytes, cost: int = BCRYPT_LEAST) -> None:
        super().__init__(pepper=pepper, cost=cost)
