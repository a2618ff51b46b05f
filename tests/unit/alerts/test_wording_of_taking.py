"""Word about who has taken an alarm: every message and every answer, in every language."""

from datetime import UTC, datetime
from itertools import product

import pytest

from alerts.channels.gsm7 import fits_one_segment
from alerts.wording import Reader, Story, incident_page
from alerts.wording.phrases import words
from alerts.wording.taking import (
    TAKING,
    already_reply,
    done_reply,
    nothing_reply,
    over_reply,
    started_reply,
    still_mail,
    still_notice,
    still_reply,
    still_stopped_reply,
    still_text,
    stopped_reply,
    taken_mail,
    taken_text,
    taking_words,
    unknown_reply,
)
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.letters import LANGUAGES

AT = datetime(2026, 11, 22, 22, 58, tzinfo=UTC)
PUBLIC = "https://cloud.example.org"
LINK = f"{PUBLIC}/hooks/incident/token"
TEXTS = (taken_text, still_text)
REPLIES = (done_reply, still_reply, already_reply, over_reply)
LEAST_NAME = 12  # so much of a long name is always left


def incident(cause: Cause = Cause.MAINS_LOST, **changes: object) -> Incident:
    values: dict[str, object] = {
        "id": "inc_1",
        "account_id": "acc_1",
        "device_id": "is-00000001",
        "cause": cause,
        "severity": Severity.CRITICAL,
        "opened_at": AT,
        "detected_at": AT,
        "short_code": "K7QF",
    }
    return Incident(**{**values, **changes})  # type: ignore[arg-type]  # values by name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_every_one_is_one_segment_whatever_it_has_to_say(language: str, cause: Cause) -> None:
    reader = Reader(language=language, time_zone="UTC")
    for name, value, probe, label, test in product(
        (None, "W" * 40, "€" * 40), (None, -99_999.9), (None, 99), (None, "€" * 40), (False, True)
    ):
        about = incident(cause, value=value, probe=probe, test=test, short_code="WWWWWW")
        story = Story(incident=about, device_name=name, probe_name=label)
        for said in (*(text(story, reader).text for text in TEXTS), *(reply(story, reader) for reply in REPLIES)):
            assert fits_one_segment(said), said
            assert name != "W" * 40 or said.count("W") - 6 >= LEAST_NAME, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_that_name_no_alarm_are_one_segment(language: str) -> None:
    codes = [f"A{number:03}" for number in range(100)]
    for said in (
        nothing_reply(language),
        stopped_reply(language),
        started_reply(language),
        still_stopped_reply(language),
        unknown_reply(language, codes),
    ):
        assert fits_one_segment(said), said


def test_no_two_messages_and_no_two_languages_read_the_same() -> None:
    story = Story(incident=incident(), device_name="Barn")
    said = [
        text
        for language in LANGUAGES
        for reader in (Reader(language=language, time_zone="UTC"),)
        for text in (*(each(story, reader).text for each in TEXTS), *(each(story, reader) for each in REPLIES))
    ]
    assert len(set(said)) == len(said) == len(LANGUAGES) * 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_incident_without_a_code_is_told_of_without_one(language: str) -> None:
    story = Story(incident=incident(short_code=""), device_name="Barn")
    reader = Reader(language=language, time_zone="UTC")
    for said in (*(text(story, reader).text for text in TEXTS), *(reply(story, reader) for reply in REPLIES)):
        assert "(" not in said
        assert "{" not in said
        assert "[" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_that_asks_says_by_when_and_where_to_answer(language: str) -> None:
    story, reader = Story(incident=incident(), device_name="Barn"), Reader(language=language, time_zone="UTC")
    asked = still_mail(story, reader, minutes=15, link=LINK, public_url=PUBLIC)
    assert asked.subject.startswith(taking_words(language).still_subject)
    assert "15" in asked.text
    assert LINK in asked.text
    notice = still_notice(story, reader, minutes=15, public_url=PUBLIC)
    assert notice.text.endswith(f"\n\n{taking_words(language).still_look}:\n{PUBLIC}/incidents/inc_1\n")
    taken = taken_mail(story, reader, link=LINK, public_url=PUBLIC)
    assert taking_words(language).taken in taken.text
    for said, look in ((asked, taking_words(language).still_look), (taken, words(language).mail_see)):
        assert f"\n\n{look}:\n{LINK}\n" in said.text
        assert f'<p>{look}: <a href="{LINK}">' in (said.html or "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_a_button_for_whoever_was_asked(language: str) -> None:
    reader = Reader(language=language, time_zone="UTC")
    taken = incident(state=IncidentState.ACKNOWLEDGED, acknowledged_at=AT)
    asked = incident(state=IncidentState.ACKNOWLEDGED, acknowledged_at=AT, asked_at=AT)
    assert "<form" not in incident_page(Story(incident=taken, device_name="Barn"), reader)
    assert taking_words(language).still_button in incident_page(Story(incident=asked, device_name="Barn"), reader)


def test_every_language_has_its_words() -> None:
    assert set(TAKING) == set(LANGUAGES)
