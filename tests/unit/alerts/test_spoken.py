"""What calls say: whole sentences in each language, with signs written out and nothing that tells who is called."""

from dataclasses import fields
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from alerts.twiml import asking, saying
from alerts.wording import Reader, Story
from alerts.wording.spoken import Speech, alarm_call, clear_call, speech_of
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.letters import LANGUAGES

AT = datetime(2026, 11, 25, 12, 2, tzinfo=UTC)


def story(cause: Cause = Cause.MAINS_LOST, *, name: str = "Mökki", test: bool = False, **more: object) -> Story:
    values: dict[str, object] = {"value": None, "probe": None, **more}
    incident = Incident(
        id="inc_1", account_id="acc_1", device_id="is-1", cause=cause, severity=Severity.CRITICAL, test=test,
        opened_at=AT, detected_at=AT, closed_at=AT, **values,
    )  # fmt: skip
    return Story(incident=incident, device_name=name)


def reader(language: str) -> Reader:
    return Reader(language=language, time_zone="Europe/Helsinki")


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_cause_is_a_whole_sentence_with_name_and_local_time(cause: Cause, language: str) -> None:
    for said in (alarm_call(story(cause), reader(language)), clear_call(story(cause), reader(language))):
        assert "Mökki: " in said.text
        assert said.text.endswith(".")
        assert "14" in said.text
        assert speech_of(language).months[10] in said.text
        assert not set("{}[]") & set(said.text)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "minus 3.5 degrees"),
        ("fi", "miinus 3,5 astetta"),
        ("sv", "minus 3,5 grader"),
        ("de", "minus 3,5 Grad"),
        ("nb", "minus 3,5 grader"),
    ],
)
def test_a_temperature_is_spoken_out(language: str, said: str) -> None:
    assert said in alarm_call(story(Cause.TEMP_LOW, value=-3.5), reader(language)).text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "minus 1 degree "), ("fi", "miinus 1 aste "), ("sv", "minus 1 grad "), ("nb", "minus 1 grad ")],
)
def test_one_degree_is_spoken_as_one(language: str, said: str) -> None:
    assert said in alarm_call(story(Cause.TEMP_LOW, value=-1.0, probe=0), reader(language)).text


def test_no_language_lacks_a_word_or_has_anothers() -> None:
    for each in fields(Speech):
        assert all(getattr(speech_of(language), each.name) for language in LANGUAGES)
    assert len({speech_of(language).keys for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_keys_that_are_told_are_those_that_work(language: str) -> None:
    keys = speech_of(language).keys
    assert [char for char in keys if char.isdigit()] == ["1", "4", "9"]


def test_a_test_says_so_first() -> None:
    assert alarm_call(story(test=True), reader("en")).text.startswith("This is a test.")


def test_a_name_that_tells_who_it_is_is_not_spoken() -> None:
    assert "0500" not in alarm_call(story(name="Mökki 0500 123 456"), reader("fi")).text


def test_a_name_cannot_give_orders_to_the_telephone_exchange() -> None:
    said = alarm_call(story(name='</Say><Dial>+4475</Dial> & "'), reader("en")).text
    root = ET.fromstring(saying(said, speech_of("en")))  # noqa: S314 - what we wrote ourselves
    assert {each.tag for each in root.iter()} == {"Response", "Say", "prosody", "Pause", "Hangup"}
    assert "</Say><Dial>" in "".join(root.itertext())


def test_every_word_that_asks_stands_inside_a_gather() -> None:
    root = ET.fromstring(asking("Message.", "Keys.", speech_of("en"), action="https://x.example.org/"))  # noqa: S314 - the same
    outside = ["".join(each.itertext()) for each in root.findall("Say")]
    assert outside == [speech_of("en").unanswered]
    assert [len(each.findall("Say")) for each in root.findall("Gather")] == [4, 2]
