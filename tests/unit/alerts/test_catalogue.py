"""The page of all messages is what the code says today."""

import re
from pathlib import Path

import pytest

from alerts.wording.catalogue import NAMES, catalogue
from isocket.domain.incidents import Cause
from isocket.domain.letters import LANGUAGES

PAGE = Path(__file__).parents[3] / "docs" / "messages.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue(), "say `make messages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_stands_there_in_every_language(language: str) -> None:
    chapter = catalogue().partition(f"## {NAMES[language]}\n")[2].partition("\n## ")[0]
    assert all(f"| `{cause}` |" in chapter for cause in Cause)
    assert "{" not in chapter


def test_no_reader_is_shown_the_scheme_of_an_address() -> None:
    assert "mailto:" not in catalogue()


def test_norwegian_sockets_are_not_called_as_persons_are() -> None:
    chapter = catalogue().partition(f"## {NAMES['nb']}\n")[2]
    assert not re.search(r"\b(andre|kundens) kontakter\b", chapter)
    assert "Mökki: kontakten" not in chapter


def test_no_text_message_takes_more_than_a_segment() -> None:
    counts = [
        int(cell)
        for line in catalogue().splitlines()
        if line.startswith("|")
        for cell in line.split(" | ")
        if cell.isdigit()
    ]
    assert max(counts) <= 160
