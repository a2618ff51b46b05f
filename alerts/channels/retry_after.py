"""How long somebody whom we asked by HTTP wants to be left in peace."""

from collections.abc import Mapping

LONGEST_S = 86_400.0  # who asks for more is asked again after a day


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, None without it; its other form, a date, is not heeded."""
    told = headers.get("Retry-After", "").strip()
    return min(float(told), LONGEST_S) if told.isascii() and told.isdigit() else None
