"""Words about the people of an account, in every language."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.channels.gsm7 import fits_one_segment
from alerts.wording import Reader, Story, alarm_text, clear_text
from alerts.wording.account_troubles import trouble_notice, unheard_sentence
from alerts.wording.phrases import words
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.letters import LANGUAGES

AT = datetime(2026, 11, 22, 22, 58, tzinfo=UTC)
NAMES = (None, "W" * 60, "€" * 60, "Mökki {number}", "{what}")


def story(cause: Cause, name: str | None = None, device_id: str = "") -> Story:
    incident = Incident(
        id="inc_1",
        account_id="acc_1",
        device_id=device_id,
        cause=cause,
        probe=99,
        severity=Severity.MAJOR,
        opened_at=AT,
        detected_at=AT,
        value=-99_999.9,
    )
    return Story(incident=incident, device_name=name, probe_name="€" * 40)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_what_nobody_heard_is_one_segment_whatever_it_was(language: str, cause: Cause) -> None:
    reader = Reader(language=language, time_zone="UTC")
    for name in NAMES:
        said = unheard_sentence(story(cause, name, "is-1"), reader, number=123_456)
        assert fits_one_segment(said), said
        assert said.rstrip().endswith("UTC"), said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", [Cause.NO_RECIPIENT, Cause.DELIVERY_BROKEN])
def test_the_owner_is_told_what_to_do_and_where(language: str, cause: Cause) -> None:
    reader = Reader(language=language, time_zone="UTC")
    whole = trouble_notice(story(cause), reader, public_url="https://cloud.example.org/")
    assert whole.subject.startswith("iSocket: ")
    assert whole.text.endswith(f"\n\n{words(language).mail_contacts}:\nhttps://cloud.example.org/contacts\n")
    one = trouble_notice(story(cause, "Mökki", "is-1"), reader, public_url="https://cloud.example.org")
    assert one.text.startswith("Mökki: ")
    assert len({trouble_notice(story(each), reader, public_url="").text for each in (Cause.NO_RECIPIENT, cause)}) == (
        1 if cause is Cause.NO_RECIPIENT else 2
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_power_cut_of_many_is_said_as_such_and_fits_one_segment(language: str) -> None:
    reader = Reader(language=language, time_zone="UTC")
    for name in NAMES:
        alone = story(Cause.MAINS_LOST, name, "is-1")
        alone = replace(alone, incident=replace(alone.incident, probe=None, short_code="WWWW", test=True))
        shared = replace(alone, incident=replace(alone.incident, part_of="out_1", closed_at=AT))
        said = alarm_text(shared, reader).text
        assert fits_one_segment(said), said
        assert words(language).elsewhere in said
        assert words(language).elsewhere not in alarm_text(alone, reader).text
        assert words(language).elsewhere not in clear_text(shared, reader).text, "that it is over is one's own"
