"""The answer to whoever took several alarms by one text: one segment that is true, in every language."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.acknowledging import Acknowledged
from alerts.channels.gsm7 import fits_one_segment
from alerts.wording import Story
from alerts.wording.several import SEVERAL, several_reply
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.letters import LANGUAGES

AT = datetime(2026, 11, 22, 22, 58, tzinfo=UTC)
LONG = "Summer house by the lake, boat house end"


def story(name: str | None, cause: Cause = Cause.MAINS_LOST, *, code: str = "KM7", test: bool = False) -> Story:
    incident = Incident(
        id="inc_1",
        account_id="acc_1",
        device_id="is-00000001",
        cause=cause,
        severity=Severity.CRITICAL,
        opened_at=AT,
        detected_at=AT,
        short_code=code,
        test=test,
    )
    return Story(incident=incident, device_name=name)


def taken(*stories: Story, language: str = "en") -> str:
    return several_reply(language, {Acknowledged.TAKEN: stories})


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_sockets_with_usual_names_are_told_with_what_is_wrong(language: str) -> None:
    said = taken(story("Mökki"), story("Sauna"), language=language)
    assert said.startswith(f"{SEVERAL[language].thanks}{SEVERAL[language].taken}: 2 (Mökki: ")
    assert "; Sauna: " in said
    assert fits_one_segment(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_sockets_are_named_however_long_their_names_and_causes_are(language: str) -> None:
    for cause in Cause:
        said = taken(story(LONG, cause, test=True), story("W" * 40, cause, test=True), language=language)
        assert "Summer house by the" in said
        assert "W" * 20 in said
        assert fits_one_segment(said), said


def test_what_does_not_fit_is_left_out_and_the_number_of_them_is_always_said() -> None:
    many = [story(f"{number} {LONG}", code=f"A{number}") for number in range(40)]
    told = [taken(*many[:number]) for number in range(2, 41)]
    assert [f": {number}" in said for number, said in enumerate(told, 2)] == [True] * 39
    told_whole = f"0 {LONG[:38]}, 1 {LONG[:38]}"
    assert told[0] == f"Thank you. Alarms that you have taken: 2 ({told_whole})"
    shortened = ", ".join(f"{number} Summer house by th" for number in range(5))
    assert told[3] == f"Thank you. Alarms that you have taken: 5 ({shortened})"
    assert told[4] == "Thank you. Alarms that you have taken: 6 (A0, A1, A2, A3, A4, A5)"
    assert told[-1] == "Thank you. Alarms that you have taken: 40"


def test_a_code_that_all_of_them_have_is_said_once_and_none_where_there_is_none() -> None:
    assert taken(*[story("W" * 40)] * 9) == "Thank you. Alarms that you have taken: 9 (KM7)"
    assert taken(*[story("W" * 40, code="")] * 9) == "Thank you. Alarms that you have taken: 9"


def test_what_somebody_else_has_taken_or_what_is_over_is_nothing_to_thank_for() -> None:
    told = {Acknowledged.TAKEN: [], Acknowledged.ALREADY: [story("Barn")], Acknowledged.OVER: [story(None)]}
    assert several_reply("en", told) == (
        "Alarms that somebody has taken already: 1 (Barn: mains power is out). "
        "Alarms that are over already: 1 (iSocket: mains power is out)"
    )


def test_a_test_says_that_it_is_one() -> None:
    said = taken(story("Barn", Cause.TEST, test=True), story("Cabin"))
    assert said.endswith(": 2 (TEST: Barn: test alarm; Cabin: mains power is out)")


@given(
    language=st.sampled_from(LANGUAGES),
    names=st.dictionaries(st.sampled_from(Acknowledged), st.lists(st.text(max_size=40), max_size=4), min_size=1),
)
def test_whatever_came_of_whatever_they_are_called_is_told_in_one_segment(
    language: str, names: dict[Acknowledged, list[str]]
) -> None:
    said = several_reply(language, {outcome: [story(each) for each in called] for outcome, called in names.items()})
    assert fits_one_segment(said), said
    assert all(f": {len(called)}" in said for called in names.values() if called)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_alone_of_every_outcome_fit(language: str) -> None:
    said = several_reply(language, {each: [story("W" * 40, code="WWWWWW")] * 99 for each in Acknowledged})
    assert fits_one_segment(said), said


def test_every_language_has_its_words_and_no_two_say_the_same() -> None:
    assert set(SEVERAL) == set(LANGUAGES)
    said = [getattr(words, each) for words in SEVERAL.values() for each in Acknowledged]
    assert len(set(said)) == len(LANGUAGES) * len(Acknowledged)
