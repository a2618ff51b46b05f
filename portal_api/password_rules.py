"""Which passwords are accepted; see docs/decisions/0003-password-rules.md.

Long enough, not one of those that everybody tries first, not made of the account's own words. No demands on kinds
of characters, no change by date (NIST SP 800-63B-4, section 3.1.1.2).
"""

import re
import unicodedata
from itertools import pairwise

LEAST_LENGTH = 8
MOST_LENGTH = 256
MOST_BYTES = 1024
_LEAST_WORD = 4  # shorter own words say nothing
_SHORT_RUN = 4  # a password made of one part this short, over and over, is as good as that part

# What guessing tools try first: kept as stems, since tools add digits and marks at both ends, and so do we below.
_COMMON = frozenset(
    {
        "password", "passwort", "passwd", "passw0rd", "p4ssword", "salasana", "losenord",
        "lösenord", "motdepasse", "contrasena", "contraseña", "senha", "qwerty", "qwertz",
        "qwertyui", "qwertyuiop", "qwertyqwerty", "azerty", "asdfgh", "asdfghjk", "asdfghjkl",
        "zxcvbnm", "qazwsx", "qazwsxedc", "abcdef", "abcdefg", "abcdefgh", "abcabc", "letmein",
        "welcome", "welkom", "willkommen", "tervetuloa", "iloveyou", "trustno", "superman",
        "batman", "football", "baseball", "basketball", "princess", "sunshine", "dragon", "monkey",
        "shadow", "master", "michael", "jennifer", "charlie", "computer", "internet", "whatever",
        "starwars", "administrator", "admin", "changeme", "default", "login", "guest", "testtest",
        "perkele", "hockey", "jaakiekko", "summer", "winter", "spring", "autumn", "kesakesa",
    }
)  # fmt: skip
_OURS = ("isocket", "socket")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_MASKS = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})


def weakness(password: str, *words: str) -> str | None:
    """Return in one sentence why the password is not accepted, or None. `words` are the account's own (its address)."""
    if len(password) > MOST_LENGTH or len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return f"Use at most {MOST_LENGTH} characters."
    plain = unicodedata.normalize("NFKC", password).casefold()
    if len(plain) < LEAST_LENGTH:
        return f"Use at least {LEAST_LENGTH} characters; a few words make a good one."
    if _is_run(plain) or _is_repeated(plain):
        return "This is a row of keys or a repetition, which is tried first."
    if any(stem in _COMMON for stem in _stems(plain)):
        return "This is one of the passwords that are tried first."
    own = {
        part for word in words for part in (word.casefold(), word.casefold().split("@")[0]) if len(part) >= _LEAST_WORD
    }
    if any(stem in own or stem in _OURS for stem in (plain, *_stems(plain))):
        return "This is made of your own address or of our name."
    return None


def _stems(plain: str) -> set[str]:
    bare = _EDGES.sub("", plain)
    masked = plain.translate(_MASKS)
    return {plain, bare, masked, _EDGES.sub("", masked), bare.translate(_MASKS)}


def _is_run(plain: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    digits = "1234567890" * (MOST_LENGTH // 10 + 1)
    return steps in ({1}, {-1}, {0}) or plain in digits or plain in digits[::-1]


def _is_repeated(plain: str) -> bool:
    return any(
        plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, min(_SHORT_RUN, len(plain) // 2) + 1)
    )
