"""Pages say words where programs have names: every name has some, in each language of its page."""

import re
from collections import Counter
from enum import StrEnum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from isocket.domain.authority_cases import CaseKind
from isocket.domain.breaches import BreachKind, DeliveryProof
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryState
from isocket.domain.holds import HoldGround, Part
from isocket.domain.incidents import Severity
from isocket.domain.letters import LANGUAGES
from isocket.domain.regulation import ProductEvent, Risk
from portal_api import staff_breach_pages, staff_case_pages, staff_hold_pages
from portal_api.code_words import KEYS, codes_in, handed_in, named_in
from portal_api.pages import TEMPLATES
from portal_api.pages_words import SEVERITIES
from portal_api.staff_breach_models import BreachFile, BreachLine, ClockView
from portal_api.staff_case_models import CaseFile, CaseLine
from portal_api.staff_customers import IncidentLine, RequestLine
from portal_api.staff_holds import HoldFile
from portal_api.staff_questions import NoteView
from portal_api.staff_request_models import QueueLine, QueueQuery, RequestFile
from portal_api.staff_words import MESSAGES, WORDS, in_words

SHOWN_TO_STAFF: tuple[type[BaseModel], ...] = (
    RequestFile, QueueLine, QueueQuery, CaseFile, CaseLine, HoldFile, BreachFile, BreachLine, ClockView, NoteView,
    IncidentLine, RequestLine,
)  # fmt: skip
OF_THEIR_FORMS: dict[type[StrEnum], Any] = {
    CaseKind: staff_case_pages.KINDS,
    BreachKind: staff_breach_pages.KINDS,
    HoldGround: staff_hold_pages.GROUNDS,
    Risk: staff_breach_pages.RISKS,
    ProductEvent: staff_breach_pages.EVENTS,
}
NOT_SHOWN = {Severity}
IN_WORDS = {"socket.html", "device.html", "api.html"}  # what was measured, orders in words, names for programs
_RAW = re.compile(r"\{\{[^}]*\.(?:value|state|kind|channel|way|duty|proof)(?:\s*\||\s*\}\}|\.replace)")
_OF_A_FORM = re.compile(r'value="\{\{[^}]*\}\}"|\[[^]]*\]')


def enums_in(hint: Any) -> set[type[StrEnum]]:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {hint}
    return {found for each in get_args(hint) for found in enums_in(each)}


def test_staff_read_words_for_everything_that_has_a_name_on_their_pages() -> None:
    fields = [each for model in SHOWN_TO_STAFF for each in model.model_fields.values()]
    shown = {kind for each in fields for kind in enums_in(each.annotation)}
    spelled = {**OF_THEIR_FORMS, **WORDS}
    assert shown - set(spelled) - NOT_SHOWN == set()
    for kind, words in spelled.items():
        assert {each.value for each in kind} == {str(each) for each in words}
        assert not any("_" in each for each in words.values())


def test_one_value_of_two_kinds_is_told_apart() -> None:
    states = {in_words(kind("refused")) for kind in WORDS if "refused" in set(kind)}
    assert states == {"refused"}
    received = {in_words(kind("received")) for kind in WORDS if "received" in set(kind)}
    assert len(received) == 2


def test_what_became_of_both_words_about_a_breach_has_words() -> None:
    assert set(MESSAGES) == {
        f"{word}_{each.value or 'not_yet'}" for word in ("notice", "report") for each in DeliveryProof
    }


@pytest.mark.parametrize("page", sorted(each.name for each in TEMPLATES.glob("*.html")))
def test_no_page_prints_the_name_that_programs_use(page: str) -> None:
    text = _OF_A_FORM.sub("", (TEMPLATES / page).read_text())
    assert (_RAW.findall(text) if page not in IN_WORDS else []) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_every_name_and_no_name_stands_for_two(language: str) -> None:
    assert [each for each, many in Counter(str(each) for each in KEYS).items() if many > 1] == []
    words = codes_in(language)
    assert {*ChannelKind, *DeliveryState, *Part} <= set(words)
    assert all(each and "_" not in each for each in words.values())
    assert words[DeliveryState.CALLED_OFF] != codes_in("en")[DeliveryState.CALLED_OFF] or language == "en"
    assert named_in(["sms", "email", "of_another_version"], language) == [
        words["sms"], words["email"], "of another version",
    ]  # fmt: skip


def test_what_an_authority_was_handed_is_said_once_and_without_names_of_fields() -> None:
    settings, messages = ["contacts.quiet_hours", "contacts.roles"], ["deliveries.text", "attempts.state"]
    fields = ["contacts.email", "contacts.name", *settings, *messages]
    assert handed_in(fields, "fi") == [
        "Sähköposti", "Nimi", "miten sinut on lisätty", "viestit ja niiden vaiheet",
    ]  # fmt: skip


def test_a_socket_is_no_contact_in_norwegian_where_people_are_called_so() -> None:
    words = codes_in("nb")
    for part in (Part.SOCKETS, Part.REPORTS):
        assert "stikkontaktene" in words[part]


def test_every_severity_has_words() -> None:
    assert set(SEVERITIES) == {*Severity}
