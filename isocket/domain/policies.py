"""Versions of our own privacy policy: files that are never changed, and who said that they have seen which.

Seeing is no agreeing: nothing that we do rests on it (Art. 4(11), 7). A file that no longer has the hash under which
it was published stops the start.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated

from isocket.domain.handling import Basis, Category, Handling, Keep, Plain, Purpose
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

SEEN_FACT = Handling(category=Category.CHOICE, purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.ACCOUNT)

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {"1": "6123b6c21f6cd9a7c30ce9ea96c2223ecf68f31800ed53cec51a0925afb7533a"}
)
"""The hash of each published file, by its version. A line is added with each version; none is ever changed."""


class PolicyBrokenError(Exception):
    """A version of the policy is not as it was published, or must not be published so; the message says why."""


class Severity(StrEnum):
    """How much a version changes: a minor one is shown, a major one is sent as well."""

    MINOR = "minor"
    MAJOR = "major"


class RightsImpact(StrEnum):
    """What a version does to the rights of people. One that reduces them cannot be published."""

    KEEPS = "keeps"
    EXTENDS = "extends"
    REDUCES = "reduces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version: what it says, and from when on it holds."""

    version: str
    noticed_at: datetime  # when everybody could read it
    effective_at: datetime
    severity: Severity
    rights: RightsImpact
    summary: str  # what changed, in a sentence
    paragraphs: tuple[str, ...]  # one that begins with "# " is a heading
    digest: str


@record(collection="policy_versions")
class PolicyVersion(Record):
    """A version as this installation first saw it. Id = the version; what it says is never changed."""

    digest: Plain[str]
    effective_at: Plain[datetime]
    first_seen_at: Plain[datetime]
    told_at: Plain[datetime | None] = None  # of a major one: everybody has a mail of it


@record(collection="acknowledgements", subject="account_id", account="account_id", indexed=(("account_id",),))
class Acknowledgement(Record):
    """Somebody pressed the button that they have seen a version. It is no consent."""

    account_id: Annotated[str, SEEN_FACT]
    policy_version: Annotated[str, SEEN_FACT]
    policy_hash: Annotated[str, SEEN_FACT]
    at: Annotated[datetime, SEEN_FACT]


def acknowledgement_id(account_id: str, version: str) -> str:
    """Return the id under which an account's acknowledgement of a version is, if there is one."""
    return derived_id("ack", account_id, version)


@cache
def policies() -> tuple[Policy, ...]:
    """Return every version that was published, the oldest first.

    Raises:
        PolicyBrokenError: one is not as it was published.
    """
    folder = files("isocket") / "policies"
    return tuple(
        read(folder.joinpath(f"{version}.md").read_text(encoding="utf-8"), version, digest)
        for version, digest in PUBLISHED.items()
    )


def read(text: str, version: str, digest: str) -> Policy:
    """Return the version that a file holds: lines of `name: value`, an empty line, and paragraphs.

    Raises:
        PolicyBrokenError: it is not the file with this hash, or would take effect before it is told, or takes rights.
    """
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != digest:
        raise PolicyBrokenError(f"Version {version} of the policy was changed. Restore it, and write a new version.")
    head, _, body = text.partition("\n\n")
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    try:
        made = Policy(
            version=version,
            noticed_at=_day(said["notice"]),
            effective_at=_day(said["effective"]),
            severity=Severity(said["severity"]),
            rights=RightsImpact(said["rights"]),
            summary=said["summary"],
            paragraphs=tuple(" ".join(each.split()) for each in body.split("\n\n") if each.strip()),
            digest=digest,
        )
    except (KeyError, ValueError) as error:
        raise PolicyBrokenError(f"The head of version {version} of the policy cannot be read: {error}.") from error
    if made.effective_at < made.noticed_at:
        raise PolicyBrokenError(f"Version {version} of the policy would hold before anybody could read it.")
    if made.rights is RightsImpact.REDUCES:
        raise PolicyBrokenError(f"Version {version} of the policy would take rights from people.")
    return made


def in_force(versions: Sequence[Policy], now: datetime) -> Policy | None:
    """Return the version that holds, None before the first."""
    begun = [each for each in versions if each.effective_at <= now]
    return max(begun, key=lambda each: (each.effective_at, each.noticed_at), default=None)


def to_be_seen(versions: Sequence[Policy], *, since: datetime, seen: str, now: datetime) -> Policy | None:
    """Return the newest version that somebody who came at `since` was not shown yet, None where there is none.

    `seen` is the last version that they said to have seen. Whoever came when a version could be read already needs
    no word of it. Nothing but the button of theirs makes one seen.
    """
    told = [each for each in versions if each.noticed_at <= now]
    if not told or told[-1].version == seen or told[-1].noticed_at <= since:
        return None
    return told[-1]


def changes(old: Policy, new: Policy) -> Iterator[tuple[str, str]]:
    """Yield each paragraph with what became of it: `same`, `gone` or `new`."""
    words = {" ": "same", "-": "gone", "+": "new"}
    for line in difflib.ndiff(old.paragraphs, new.paragraphs):
        if line[0] in words:
            yield words[line[0]], line[2:]


def _day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)
