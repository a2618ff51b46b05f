"""What people read: every message in every language, with every name and value."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.gsm7 import fits_one_segment, is_gsm7
from alerts.stories import told_of
from alerts.wording import (
    Reader,
    Story,
    alarm_mail,
    alarm_text,
    came_back_notice,
    clear_mail,
    clear_text,
    exhausted_notice,
    signed,
    stopped_notice,
    unanswered_notice,
)
from alerts.wording.pages import stop_page, stopped_page
from alerts.wording.phrases import WORDS, local_time, mail_name, number, plain_name, sms_name, words
from alerts.wording.spoken import clear_call
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, Severity, Why
from isocket.domain.letters import (
    LANGUAGES,
    activation_mail,
    code_mail,
    code_text,
    code_voice_text,
    known_account_mail,
    reset_mail,
    spoken,
)

AT = datetime(2026, 11, 22, 22, 58, tzinfo=UTC)
PUBLIC = "https://cloud.example.org"
LINK = f"{PUBLIC}/hooks/incident/token"
LONG_NAMES = (
    None,
    "W" * 40,
    "€" * 40,
    "Дача у озера, большая и старая, с баней!",  # noqa: RUF001 - Cyrillic is the point
    "雪" * 40,
)
LEAST_NAME = 20  # so much of a long name is always left
VALUES = (None, -99_999.9, 1e300)


def incident(cause: Cause = Cause.TEMP_LOW, **changes: object) -> Incident:
    values: dict[str, object] = {
        "id": "inc_1",
        "account_id": "acc_1",
        "device_id": "is-00000001",
        "cause": cause,
        "severity": Severity.CRITICAL,
        "opened_at": AT,
        "detected_at": AT,
        "closed_at": AT,
        "short_code": "WWWWWW",
    }
    return Incident(**{**values, **changes})  # type: ignore[arg-type]  # values by name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_every_sms_is_one_segment_whatever_it_has_to_say(language: str, cause: Cause) -> None:
    reader = Reader(language=language, time_zone="UTC")
    for name, value, probe, label, test in product(LONG_NAMES, VALUES, (None, 99), (None, "€" * 40), (False, True)):
        story = Story(
            incident=incident(cause, value=value, probe=probe, test=test),
            device_name=name,
            device_number=9999,
            probe_name=label,
        )
        within = replace(story, is_within=True)
        for said in (alarm_text(story, reader), clear_text(story, reader), alarm_text(within, reader)):
            assert fits_one_segment(said.text), said.text
            assert name != "W" * 40 or said.text.count("W") - 6 >= LEAST_NAME, said.text


@given(name=st.text(max_size=40), label=st.text(max_size=40), value=st.floats(), probe=st.integers(0, 30))
def test_no_name_that_a_person_can_choose_breaks_a_segment_or_a_header(
    name: str, label: str, value: float, probe: int
) -> None:
    story = Story(incident=incident(value=value, probe=probe), device_name=name, probe_name=label)
    reader = Reader(language="fi", time_zone="Europe/Helsinki")
    assert fits_one_segment(alarm_text(story, reader).text)
    subject = alarm_mail(story, reader, link=LINK, public_url=PUBLIC).subject
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", subject)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_every_cause_reads_differently_in_alarm_and_in_clear(language: str, cause: Cause) -> None:
    story = Story(incident=incident(cause), device_name="Mökki")
    reader = Reader(language=language, time_zone="UTC")
    assert alarm_text(story, reader).text != clear_text(story, reader).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_causes_read_the_same(language: str) -> None:
    texts = words(language)
    assert len(set(texts.alarm.values())) == len(Cause)
    assert len(set(texts.clear.values())) == len(Cause)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_names_the_socket_the_value_the_readers_time_and_the_code(language: str) -> None:
    story = Story(incident=incident(value=-3.5, short_code="K7QF"), device_name="Mökki")
    text = alarm_text(story, Reader(language=language, time_zone="Europe/Helsinki")).text
    assert "Mökki" in text
    assert re.search(r"-3[.,]5 C", text)
    assert re.search(r"0?0[.:]58", text), "the reader's clock is two hours ahead of UTC"
    assert "K7QF" in text


def test_the_readers_own_day_is_named_when_it_is_tomorrow_there() -> None:
    assert local_time(words("en"), AT, "Europe/Helsinki") == "23 Nov 00:58"
    assert local_time(words("en"), AT, "America/New_York") == "22 Nov 17:58"


@pytest.mark.parametrize("zone", ["Nowhere/Atlantis", "", "../etc/passwd", "Europe", "UTC"])
def test_a_time_in_a_zone_that_is_unknown_is_said_to_be_utc(zone: str) -> None:
    assert local_time(words("en"), AT, zone) == "22 Nov 22:58 UTC"


def test_a_time_in_the_night_of_the_change_of_clocks_is_the_one_people_saw() -> None:
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    after = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert local_time(words("de"), before, "Europe/Berlin") == "25.10. 02:30"
    assert local_time(words("de"), after, "Europe/Berlin") == "25.10. 02:30"


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, None), (math.nan, None), (1e9, None), (-3.5, "-3,5"), (21.0, "21"), (-0.04, "0"), (0.06, "0,1")],
)
def test_a_value_is_said_with_at_most_one_decimal(value: float | None, said: str | None) -> None:
    assert number(value, ",") == said


def test_a_value_that_is_not_known_leaves_no_gap() -> None:
    story = Story(incident=incident(Cause.BATTERY_LOW), device_name="Barn")
    text = alarm_text(story, Reader(language="en", time_zone="UTC")).text
    assert text == "Barn: the battery is low, 22 Nov 22:58 UTC. Reply WWWWWW to acknowledge"


@pytest.mark.parametrize(
    "name",
    [None, "", "  ", "\n\t", "call +44 7700 900123", "anna@example.org", "SN 0012-3456-78"],
)
def test_a_name_that_is_missing_or_would_tell_a_number_or_address_becomes_a_neutral_word(
    name: str | None,
) -> None:
    assert plain_name(name) == "iSocket"


@pytest.mark.parametrize("name", ["is5xctg9b42c", "Villa IS5XCTG9B42C", "is5xctg9b42c (kitchen)"])
def test_a_name_that_holds_what_a_socket_is_called_at_the_factory_becomes_a_neutral_word(name: str) -> None:
    assert plain_name(name) == "iSocket"


@pytest.mark.parametrize("name", ["Isoisän mökki", "island cottage", "This5xctg9b42c", "Isaakstrasse"])
def test_a_name_that_only_begins_like_one_of_the_factory_stays(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    "sign",
    ["👨‍👩‍👧‍👦", "👍🏽", "❤️", "🇫🇮", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "q̣̇"],
    ids=["a family", "a colour of skin", "a colour", "a flag", "a region's flag", "a letter with marks"],
)
def test_a_long_name_in_a_mail_ends_with_a_whole_sign(sign: str) -> None:
    for before in range(55, 61):
        name = mail_name("x" * before + 3 * sign)
        shown = name[before:]
        assert (len(name) <= 60, shown) == (True, shown.count(sign) * sign)


def test_of_many_flags_in_a_mail_none_is_cut_into_another() -> None:
    assert mail_name("x" + 40 * "🇫🇮") == "x" + 29 * "🇫🇮"


def test_a_name_of_one_endless_sign_is_a_neutral_one_in_a_mail() -> None:
    assert mail_name("a" + 79 * "̣") == "iSocket"


def test_a_name_that_cannot_be_spelt_becomes_a_neutral_word_in_a_text() -> None:
    story = Story(incident=incident(), device_name="雪山")
    assert alarm_text(story, Reader(language="en", time_zone="UTC")).text.startswith("iSocket: ")


@pytest.mark.parametrize("name", [None, "雪山", "Call +358 40 123 4567"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sockets_of_one_owner_without_a_name_that_can_be_told_are_told_apart(language: str, name: str | None) -> None:
    factory = {"model": "isocket-4g", "secret_hash": "", "claim_hash": "", "provisioned_at": AT}
    owned = {"id": "is-00000001", "owner_id": "acc_1", "name": name, "claimed_at": AT, **factory}
    first, second = (told_of(incident(), Device(number=number, **owned)) for number in (1, 2))  # type: ignore[arg-type]
    reader = Reader(language=language, time_zone="UTC")
    for said in (alarm_text, clear_text):
        texts = [said(each, reader).text for each in (first, second)]
        assert [text.partition(":")[0] for text in texts] == ["iSocket 1", "iSocket 2"]
        assert all(map(fits_one_segment, texts))
    called = "雪山" if name == "雪山" else "iSocket 2"  # nothing but a text cannot say it
    assert f"{called}: " in clear_call(second, reader).text
    assert called in exhausted_notice(second, reader, public_url=PUBLIC).text
    assert alarm_mail(second, reader, link=LINK, public_url=PUBLIC).subject.startswith(f"{called}: ")


def test_the_number_of_a_socket_without_a_name_is_never_cut_to_that_of_another() -> None:
    assert [sms_name(None, room, 12) for room in (10, 9, 4)] == ["iSocket 12", "iSocket", "iSoc"]


def test_an_owner_who_named_an_input_reads_its_name() -> None:
    story = Story(incident=incident(Cause.INPUT, probe=0), device_name="Cellar", probe_name="Water leak")
    assert "(Water leak)" in alarm_text(story, Reader(language="sv", time_zone="UTC")).text


def test_an_input_without_a_name_is_told_by_its_number_counted_from_one() -> None:
    story = Story(incident=incident(Cause.INPUT, probe=1), device_name="Cellar")
    assert "(input 2)" in alarm_text(story, Reader(language="en", time_zone="UTC")).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_says_first_that_it_is_one(language: str) -> None:
    story = Story(incident=incident(Cause.MAINS_LOST, test=True), device_name="Barn")
    reader = Reader(language=language, time_zone="UTC")
    first = words(language).test
    assert alarm_text(story, reader).text.startswith(first)
    assert clear_text(story, reader).text.startswith(first)
    assert alarm_mail(story, reader, link=LINK, public_url=PUBLIC).subject.startswith(first)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_holds_the_serial_or_the_account(language: str) -> None:
    story = Story(incident=incident(), device_name=None)
    reader = Reader(language=language, time_zone="UTC")
    for said in (
        alarm_text(story, reader),
        clear_text(story, reader),
        alarm_mail(story, reader, link=LINK, public_url=PUBLIC),
        clear_mail(story, reader, link=LINK, public_url=PUBLIC),
        exhausted_notice(story, reader, public_url=PUBLIC),
    ):
        whole = f"{said.subject} {said.text} {said.html}"
        assert "is-00000001" not in whole
        assert "acc_1" not in whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_e_mail_links_to_the_incident_and_loads_nothing(language: str) -> None:
    story = Story(incident=incident(), device_name="<b>Barn & Co</b>")
    said = alarm_mail(story, Reader(language=language, time_zone="UTC"), link=LINK, public_url=f"{PUBLIC}/")
    assert LINK in said.text
    assert f"{PUBLIC}/incidents/inc_1" in said.text
    assert said.html is not None
    assert "<b>" not in said.html
    assert "&lt;b&gt;Barn &amp; Co" in said.html
    assert not re.search(r"src=|<img|<link|url\(", said.html)
    assert re.findall(r'href="([^"]*)"', said.html) == [LINK, f"{PUBLIC}/incidents/inc_1"]


@pytest.mark.parametrize(
    ("language", "by"), [("en", "text message"), ("fi", "tekstiviestillä"), ("sv", "SMS"), ("de", "SMS"), ("nb", "SMS")]
)
def test_an_e_mail_says_what_its_code_is_for(language: str, by: str) -> None:
    story = Story(incident=incident(), device_name="Barn")
    said = alarm_mail(story, Reader(language=language, time_zone="UTC"), link=LINK, public_url=PUBLIC)
    (line,) = [each for each in said.text.splitlines() if each.endswith(f": {story.incident.short_code}")]
    assert by in line


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_e_mail_says_in_three_paragraphs_what_is_wrong_where_to_look_and_why_it_comes(language: str) -> None:
    story = Story(incident=incident(), device_name="Barn")
    reader = Reader(language=language, time_zone="UTC")
    for said, look in (
        (alarm_mail(story, reader, link=LINK, public_url=PUBLIC), words(language).mail_look),
        (clear_mail(story, reader, link=LINK, public_url=PUBLIC), words(language).mail_see),
    ):
        what, where, why = said.text.split("\n\n")
        assert what.startswith(f"{said.subject}.\n{words(language).mail_when}: ")
        assert where == f"{look}:\n{LINK}"
        assert f'<p>{look}: <a href="{LINK}">' in (said.html or "")
        assert why.endswith(f"{words(language).mail_why}\n")


def test_an_e_mail_ends_with_who_answers_for_it_for_programs_and_in_html_alike() -> None:
    story, reader = Story(incident=incident(), device_name="Barn"), Reader(language="sv", time_zone="UTC")
    mail = alarm_mail(story, reader, link=LINK, public_url=PUBLIC)
    said = signed(mail, "Example & Co, privacy@example.org")
    assert said.text == f"{mail.text}Example & Co, privacy@example.org\n"
    assert (said.html or "").endswith("<p>Example &amp; Co, privacy@example.org</p></body></html>")
    assert (said.html or "").count("</body>") == 1
    assert signed(alarm_text(story, reader), "Example & Co") == alarm_text(story, reader), "a text has no room for it"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_to_the_owner_says_what_its_link_leads_to(language: str) -> None:
    story, texts = Story(incident=incident(), device_name="Barn"), words(language)
    reader = Reader(language=language, time_zone="UTC")
    for notice in (exhausted_notice, unanswered_notice):
        said = notice(story, reader, public_url=f"{PUBLIC}/").text
        assert said.endswith(f"\n\n{texts.mail_see}:\n{PUBLIC}/incidents/inc_1\n")
    for notice in (stopped_notice, came_back_notice):
        assert notice(reader, public_url=f"{PUBLIC}/").text.endswith(f"\n\n{texts.mail_contacts}:\n{PUBLIC}/contacts\n")


@pytest.mark.parametrize("language", [*LANGUAGES, "fr", ""])
def test_a_codes_text_is_one_segment_and_has_no_other_digits(language: str) -> None:
    text = code_text(language, "012345")
    assert re.findall(r"\d+", text) == ["012345"]
    assert fits_one_segment(text)
    mail = code_mail(language, "012345")
    assert re.findall(r"\d+", mail.subject + mail.text) == ["012345"]


@pytest.mark.parametrize("language", [*LANGUAGES, "fr", ""])
def test_a_spoken_code_is_said_digit_by_digit_and_nothing_else_is_a_digit(language: str) -> None:
    text = code_voice_text(language, "012345")
    assert re.findall(r"[\d, ]*\d", text) == [" 0, 1, 2, 3, 4, 5"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_carry_their_link_once_and_on_a_line_of_its_own(language: str) -> None:
    for write in (activation_mail, reset_mail, known_account_mail):
        letter = write(language, f"{PUBLIC}/activate?token=abc")
        assert letter.text.split("\n").count(f"{PUBLIC}/activate?token=abc") == 1
        assert letter.subject


@pytest.mark.parametrize(
    ("tag", "language"), [("fi-FI", "fi"), ("no", "nb"), ("NB", "nb"), ("de_AT", "de"), ("fr", "en"), ("", "en")]
)
def test_a_reader_gets_the_language_that_is_nearest(tag: str, language: str) -> None:
    assert spoken(tag) == language


def test_every_language_of_the_letters_has_words_for_incidents() -> None:
    assert set(WORDS) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_themselves_need_no_spelling(language: str) -> None:
    texts = words(language)
    for each in (*texts.alarm.values(), *texts.clear.values(), texts.alarm_sms, texts.clear_sms, texts.test):
        assert is_gsm7(each), each


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("about", Cause)
def test_what_comes_and_goes_is_named_in_one_segment_and_its_end_says_how_often_it_came(
    language: str, about: Cause
) -> None:
    story = Story(
        incident=incident(Cause.FLAPPING, about=about, value=99_999, probe=99, test=True), device_name="W" * 40
    )
    reader = Reader(language=language, time_zone="UTC")
    alarm, clear = alarm_text(story, reader).text, clear_text(story, reader).text
    assert re.sub(r"\[.*", "", words(language).alarm[about]) in alarm
    assert "99999" in clear
    for said in (alarm, clear):
        assert fits_one_segment(said), said
        assert said.count("W") - 6 >= LEAST_NAME, said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("why", [Why.SETTINGS, Why.LIMIT_CHANGED])
def test_what_ended_because_its_limit_is_gone_or_another_is_not_said_to_be_well_again(
    language: str, cause: Cause, why: Why
) -> None:
    reader = Reader(language=language, time_zone="UTC")
    over, unwatched = (
        Story(incident=incident(cause, probe=0, why_over=each), device_name="W" * 40) for each in (Why.OVER, why)
    )
    said = clear_text(unwatched, reader).text
    assert words(language).unwatched[why] in said
    assert words(language).clear[cause].partition("[")[0] not in said
    assert fits_one_segment(said)
    assert words(language).unwatched[why] not in clear_text(over, reader).text
    assert words(language).unwatched[why] in clear_mail(unwatched, reader, link=LINK, public_url=PUBLIC).subject
    assert words(language).unwatched[why] in clear_call(unwatched, reader).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thermostat_that_asks_for_nothing_any_more_is_not_said_to_have_an_effect(language: str) -> None:
    reader = Reader(language=language, time_zone="UTC")
    rests = incident(Cause.THERMOSTAT_INEFFECTIVE, why_over=Why.NOT_ASKED, test=True)
    said = clear_text(Story(incident=rests, device_name="W" * 40), reader).text
    assert words(language).unwatched[Why.NOT_ASKED] in said
    assert words(language).clear[Cause.THERMOSTAT_INEFFECTIVE] not in said
    assert fits_one_segment(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_input_that_was_disarmed_is_not_said_to_be_at_rest_again(language: str) -> None:
    reader = Reader(language=language, time_zone="UTC")
    disarmed = Story(incident=incident(Cause.INPUT, probe=0, why_over=Why.DISARMED), device_name="W" * 40)
    said = clear_text(disarmed, reader).text
    assert words(language).unwatched[Why.DISARMED] in said
    assert words(language).clear[Cause.INPUT] not in said
    assert fits_one_segment(said)
    assert words(language).unwatched[Why.DISARMED] in clear_mail(disarmed, reader, link=LINK, public_url=PUBLIC).subject
    assert words(language).unwatched[Why.DISARMED] in clear_call(disarmed, reader).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_comes_and_goes_is_told_with_the_time_of_now_and_anything_else_with_when_it_began(language: str) -> None:
    reader, known = Reader(language=language, time_zone="Europe/Helsinki"), AT + timedelta(minutes=50)
    for cause, told in ((Cause.FLAPPING, known), (Cause.MAINS_LOST, AT)):
        unstable = Story(
            incident=incident(cause, about=Cause.MAINS_LOST if cause is Cause.FLAPPING else None, detected_at=known),
            device_name="Cabin",
        )
        time = local_time(words(language), told, reader.time_zone)
        assert time in alarm_text(unstable, reader).text
    assert (
        local_time(words(language), AT, reader.time_zone)
        not in alarm_text(Story(incident=incident(Cause.FLAPPING, detected_at=known), device_name="Cabin"), reader).text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_on_which_messages_are_stopped_fit_a_telephone(language: str) -> None:
    for page in (stop_page(language), stopped_page(language)):
        assert '<meta name="viewport" content="width=device-width' in page
        assert 'href="/static/portal.css"' in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", [Cause.TEMP_HIGH, Cause.TEMP_LOW])
def test_a_temperature_inside_its_limit_again_is_told_as_one_that_was_beyond_it(cause: Cause, language: str) -> None:
    reader = Reader(language=language, time_zone="UTC")
    story = Story(incident=incident(cause, probe=0, value=5.2), device_name="W" * 40, is_within=True)
    was = words(language).within[cause].translate({ord("["): None, ord("]"): None})
    was = was.replace("{value}", number(5.2, words(language).decimal_mark) or "")
    said = alarm_text(story, reader).text
    assert was in said
    assert fits_one_segment(said)
    assert was in alarm_mail(story, reader, link=LINK, public_url=PUBLIC).subject
    assert was not in clear_text(story, reader).text


@pytest.mark.parametrize(
    ("cause", "limits", "value", "is_within"),
    [
        (Cause.TEMP_LOW, {"low_c": 5}, 5.2, True),
        (Cause.TEMP_LOW, {"low_c": 5}, 5.0, False),
        (Cause.TEMP_LOW, {"high_c": 5}, 5.2, False),
        (Cause.TEMP_HIGH, {"high_c": -18}, -18.3, True),
        (Cause.TEMP_HIGH, {"high_c": -18}, -18.0, False),
        (Cause.TEMP_HIGH, {"high_c": -18}, -17.0, False),
        (Cause.TEMP_HIGH, {}, -18.3, False),
        (Cause.TEMP_RATE, {"high_c": -18}, -18.3, False),
        (Cause.TEMP_LOW, {"low_c": 5}, None, False),
    ],
)
def test_a_temperature_is_inside_its_limit_by_what_the_owner_set(
    cause: Cause, limits: dict[str, float], value: float | None, is_within: bool
) -> None:
    desired = {"temp": [limits]}
    factory = {"model": "isocket-4g", "secret_hash": "", "claim_hash": "", "provisioned_at": AT}
    device = Device(id="is-00000001", owner_id="acc_1", desired=desired, **factory)  # type: ignore[arg-type]  # by name
    story = told_of(incident(cause, probe=0, value=value), device)
    assert story.is_within == is_within
