"""Versions of the privacy policy: never changed, told before they hold, and seen by nobody who did not say so."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from isocket.domain.policies import (
    PUBLISHED,
    Policy,
    PolicyBrokenError,
    Severity,
    changes,
    in_force,
    policies,
    read,
    to_be_seen,
)
from tests.fakes.clock import NOON

HEAD = "notice: 2026-12-01\neffective: 2026-12-15\nseverity: minor\nrights: keeps\nsummary: Clearer words.\n\n"


def written(head: str = HEAD, body: str = "# Who\n\nWe do.\n\nStill we.\n") -> Policy:
    text = head + body
    return read(text, "2", hashlib.sha256(text.encode()).hexdigest())


@pytest.mark.clause("C9-02")
def test_each_version_is_as_it_was_published_and_a_changed_one_is_refused() -> None:
    shipped = policies()
    assert [each.version for each in shipped] == list(PUBLISHED)
    with pytest.raises(PolicyBrokenError, match="was changed"):
        read(HEAD + "We do.", "2", hashlib.sha256((HEAD + "We do not.").encode()).hexdigest())


@pytest.mark.clause("C9-03")
def test_a_version_that_would_hold_before_it_is_told_is_refused() -> None:
    assert written().effective_at - written().noticed_at == timedelta(days=14)
    with pytest.raises(PolicyBrokenError, match="before anybody could read it"):
        written(HEAD.replace("effective: 2026-12-15", "effective: 2026-11-30"))


@pytest.mark.clause("C9-04")
def test_a_version_that_takes_rights_is_refused() -> None:
    with pytest.raises(PolicyBrokenError, match="take rights"):
        written(HEAD.replace("rights: keeps", "rights: reduces"))


@pytest.mark.parametrize("missing", ["notice", "effective", "severity", "rights", "summary"])
def test_a_head_that_lacks_a_line_is_refused(missing: str) -> None:
    head = "\n".join(line for line in HEAD.splitlines() if not line.startswith(missing)).strip() + "\n\n"
    with pytest.raises(PolicyBrokenError, match="cannot be read"):
        written(head)


def test_the_version_that_holds_is_the_newest_whose_day_has_come() -> None:
    first, second = policies()[0], written()
    assert in_force((first, second), second.effective_at - timedelta(seconds=1)) is first
    assert in_force((first, second), second.effective_at) is second
    assert in_force((), NOON) is None


@pytest.mark.clause("C9-05")
def test_a_new_version_is_shown_to_whoever_was_there_before_until_they_say_so() -> None:
    both = (policies()[0], written())
    told = both[1].noticed_at
    before = told - timedelta(days=5)
    assert to_be_seen(both, since=before, seen="", now=told - timedelta(seconds=1)) is None, "not told yet"
    assert to_be_seen(both, since=before, seen="", now=told) is both[1]
    assert to_be_seen(both, since=before, seen="1", now=told + timedelta(days=900)) is both[1], "time is no answer"
    assert to_be_seen(both, since=before, seen="2", now=told) is None
    assert to_be_seen(both, since=told, seen="", now=told + timedelta(days=1)) is None, "they came to it"


def test_a_difference_names_each_paragraph_that_went_and_came() -> None:
    old = replace(written(), paragraphs=("# Who", "We do.", "Still we."))
    new = replace(written(), paragraphs=("# Who", "We do it all.", "Still we."), severity=Severity.MAJOR)
    assert list(changes(old, new)) == [
        ("same", "# Who"), ("gone", "We do."), ("new", "We do it all."), ("same", "Still we."),
    ]  # fmt: skip
