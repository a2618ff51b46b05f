"""Which passwords are accepted; see docs/decisions/0003-password-rules.md.

Long enough, not one of those that everybody tries first, not made of the account's own words. No demands on kinds
of characters, no change by date (NIST SP 800-63B-4, section 3.1.1.2).
"""

import re
import unicodedata
from itertools import pairwise

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from isocket.domain.factors import PASSWORD_ALONE_LENGTH

MOST_LENGTH = 256
MOST_BYTES = 1024
_LEAST_WORD = 4  # shorter own words say nothing

# What guessing tools try first: the 30,000 commonest of the breached, and what people here are fond of. Tools add
# digits and marks at both ends, so those are looked at without them too.
_COMMON = frozenset(FREQUENCY_LISTS["passwords"]) | frozenset(
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


def weakness(password: str, *words: str, least: int = PASSWORD_ALONE_LENGTH) -> str | None:
    """Return in one sentence why the password is not accepted, or None.

    `words` are the account's own (its address, its holder's name), `least` how many characters it needs: fewer where
    it is one of two factors.
    """
    if len(password) > MOST_LENGTH or len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return f"Use at most {MOST_LENGTH} characters."
    plain = unicodedata.normalize("NFKC", password).casefold()
    if len(plain) < least:
        return f"Use at least {least} characters; a few words make a good one."
    if _is_run(plain) or _is_repeated(plain):
        return "This is a row of keys or a repetition, which is tried first."
    if any(stem in _COMMON for stem in _stems(plain)):
        return "This is one of the passwords that are tried first."
    own = _own_words(words)
    if any(stem in own or stem in _OURS for stem in (plain, *_stems(plain))):
        return "This is made of your own address or of our name."
    if _is_two_of(plain, own):
        return "This is two of the words that are tried first, one after the other."
    return None


def _own_words(words: tuple[str, ...]) -> set[str]:
    told = {word.casefold() for word in words}
    told |= {word.split("@")[0] for word in told} | {part for word in told for part in re.split(r"[\W_]+", word)}
    told |= {re.sub(r"[\W_]+", "", word) for word in told}
    return {word for word in told if len(word) >= _LEAST_WORD}


def _is_two_of(plain: str, own: set[str]) -> bool:
    """Return whether both halves are tried first, wherever they are cut: the longer one gets only by what is common."""
    known = (_COMMON, own, set(_OURS))

    def common(half: str) -> bool:
        return any(stem in each for stem in _stems(half) for each in known)

    return any(common(plain[:at]) and common(plain[at:]) for at in range(_LEAST_WORD, len(plain) - _LEAST_WORD + 1))


def _stems(plain: str) -> set[str]:
    bare = _EDGES.sub("", plain)
    masked = plain.translate(_MASKS)
    return {plain, bare, masked, _EDGES.sub("", masked), bare.translate(_MASKS)}


def _is_run(plain: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    digits = "1234567890" * (MOST_LENGTH // 10 + 1)
    return steps in ({1}, {-1}, {0}) or plain in digits or plain in digits[::-1]


def _is_repeated(plain: str) -> bool:
    return any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, len(plain) // 2 + 1))
