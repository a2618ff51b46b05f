"""Requests with a condition (RFC 9110, section 13): send it only if it changed, change it only if it did not.

The tag of what is shown is strong: a hash of its bytes. Where a thing has a version, that stands in front, and it alone
decides about a change: what a socket reports in the meantime must not stand in the way of whoever names it.
"""

import hashlib
import re

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_MOST_CHARACTERS = 2048


def tag_of(body: bytes, version: int | None) -> str:
    """Return the entity tag of an answer."""
    content = hashlib.blake2b(body, digest_size=12).hexdigest()
    return f'"{content}"' if version is None else f'"{version}-{content}"'


def is_unchanged(if_none_match: str, tag: str) -> bool:
    """Return whether the client has this already; for that a weak tag is as good."""
    return if_none_match.strip() == "*" or tag.strip('"') in [content for _, content in _tags(if_none_match)]


def allows(if_match: str, version: int) -> bool:
    """Return whether a change is wished of what is at this version. A weak tag never fits (section 13.1.1)."""
    if if_match.strip() == "*":
        return True
    return any(not weak and content.partition("-")[0] == str(version) for weak, content in _tags(if_match))


def _tags(header: str) -> list[tuple[str, str]]:
    return _TAG.findall(header[:_MOST_CHARACTERS])
