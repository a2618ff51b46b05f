"""What a provider may call a message that it took; we keep it, and ask by it later."""

from typing import TypeGuard

LONGEST = 64  # characters; 34 at Twilio


def is_id(told: object) -> TypeGuard[str]:
    """Whether `told` is such an id: anything else, a letter that no store can hold among it, is an odd answer."""
    return isinstance(told, str) and 0 < len(told) <= LONGEST and told.isascii() and told.isprintable()
