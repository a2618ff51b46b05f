"""Refusals in five languages: each whole, and with the number or the address where there is one."""

import pytest

from isocket.domain.letters import LANGUAGES
from isocket.domain.negotiation import best_language, takes, weights
from portal_api.problem import too_many
from portal_api.problem_words import _WORDS, title_and_detail


@pytest.mark.parametrize("kind", sorted(_WORDS))
def test_each_is_said_in_every_language_and_in_each_differently(kind: str) -> None:
    words = [title_and_detail(kind, language) for language in LANGUAGES[1:]]
    assert len(set(words)) == len(LANGUAGES) - 1
    assert all(each and all(each) for each in words)
    assert title_and_detail(kind, "en") is None
    with_number_or_address = kind in {"our-fault", "try-later"}
    assert all(("{about}" in each[1]) is with_number_or_address for each in words if each)


def test_who_is_not_let_in_reads_why_in_their_language() -> None:
    assert {"wrong-credentials", "wrong-passkey", "wrong-password", "time-is-over", "too-many"} <= _WORDS.keys()


def test_who_tried_too_often_reads_to_wait_and_no_name_of_a_header() -> None:
    problem = too_many(61.2)
    assert (problem.detail, problem.headers) == (
        "Too many tries. Wait a while, then try again.",
        {"Retry-After": "62"},
    )


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_an_old_page_is_not_called_forbidden(language: str) -> None:
    old, forbidden = title_and_detail("old-page", language), title_and_detail("csrf", language)
    assert old is not None
    assert forbidden is not None
    assert (old[0] == forbidden[0], old[1] == forbidden[1]) == (False, True)


def test_the_best_liked_language_counts_and_nonsense_does_not() -> None:
    assert best_language("") == "en"
    assert best_language(";;;,q=,fi;q=nonsense,sv;q=0.2") == "sv"
    assert best_language("fi;q=0") == "en"
    assert weights("a;q=0.5, B ;q=7")["b"] == 0.0


@pytest.mark.parametrize(
    ("accept", "media", "taken"),
    [
        ("", "application/json", True),
        ("*/*", "text/csv", True),
        ("application/*", "application/json", True),
        ("application/*;q=0, */*", "application/json", False),
        ("text/csv", "application/json", False),
    ],
)
def test_the_narrowest_media_range_decides(accept: str, media: str, taken: bool) -> None:
    assert takes(accept, media) is taken
