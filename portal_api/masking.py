"""Addresses of which no more is shown than tells one from another."""

_SHOWN_DIGITS = 2


def masked(email: str | None) -> str | None:
    """Return a mailbox of which only the beginning and the domain can be read."""
    if not email:
        return None
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"


def last_digits(phone: str | None) -> str | None:
    return f"…{phone[-_SHOWN_DIGITS:]}" if phone else None
