"""Mails about shared and handed-over sockets, in every language."""

from collections.abc import Callable

import pytest

from isocket.domain import share_letters, transfer_letters
from isocket.domain.letters import LANGUAGES, Letter

OWNER, LINK = "maija@example.org", "https://cloud.example.org/x?token=t"
OFFERS: dict[str, Callable[[str], Letter]] = {
    "invitation": lambda language: share_letters.share_invitation(language, owner=OWNER, link=LINK, days=14),
    "offer": lambda language: transfer_letters.transfer_offer(language, owner=OWNER, link=LINK, days=14),
}
NOTICES: dict[str, Callable[[str], Letter]] = {
    "accepted": lambda language: share_letters.share_accepted(language, link=LINK),
    "left": lambda language: share_letters.share_left(language, link=LINK),
    "ended": share_letters.share_ended,
    "done": transfer_letters.transfer_done,
    "received": lambda language: transfer_letters.transfer_received(language, link=LINK),
}


@pytest.mark.parametrize("name", OFFERS)
def test_an_invitation_says_who_asks_until_when_and_where_to_answer(name: str) -> None:
    letters = [OFFERS[name](language) for language in LANGUAGES]
    assert all(OWNER in each.text and LINK in each.text and "14" in each.text for each in letters)
    assert len({each.subject for each in letters}) == len(LANGUAGES)


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_names_nobody_and_leaves_no_place_empty(name: str) -> None:
    letters = [NOTICES[name](language) for language in LANGUAGES]
    assert not any("@" in each.text or "{" in each.text for each in letters)
    assert len({each.text for each in letters}) == len({each.subject for each in letters}) == len(LANGUAGES)
