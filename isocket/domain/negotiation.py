"""What a client can read: media types and languages in the order in which it likes them (RFC 9110, section 12.5)."""

import re
from functools import lru_cache

from isocket.domain.letters import is_spoken, spoken

_WEIGHT = re.compile(r"[01](\.\d{0,3})?")
_MOST_CHARACTERS = 1024


@lru_cache(maxsize=512)
def weights(header: str) -> dict[str, float]:
    """Return each thing that a header names, in small letters, with how much it is liked (0: not at all)."""
    found: dict[str, float] = {}
    for part in header[:_MOST_CHARACTERS].lower().split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        if name:
            found[name] = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    return found


def takes(accept: str, media: str) -> bool:
    """Return whether a client takes this media type; one that says nothing takes anything."""
    liked = weights(accept)
    wider = (media, f"{media.partition('/')[0]}/*", "*/*")
    return not liked or next((liked[each] for each in wider if each in liked), 0.0) > 0


def best_language(accepted: str) -> str:
    """Return which of our languages an `Accept-Language` likes best, the first of equals; English where it names none.

    Danish and `de-AT` are content with what serves them (see `spoken`).
    """
    liked = {tag: weight for tag, weight in weights(accepted).items() if weight and is_spoken(tag)}
    return spoken(max(liked, key=lambda tag: liked[tag], default=""))


def _weight(text: str) -> float:
    return min(float(text), 1.0) if _WEIGHT.fullmatch(text) else 0.0
