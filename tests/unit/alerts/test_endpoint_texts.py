"""What browsers and programs are told: every language, every cause, and no more than the work needs."""

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from alerts.channels.web_push import LONGEST_TEXT
from alerts.wording import Reader, Story
from alerts.wording.endpoint_texts import WEBHOOK_TYPES, endpoint_words, gone_notice, push_text, webhook_text
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.endpoint_letters import push_hello, push_test, webhook_test
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.letters import LANGUAGES
from tests.fakes.clock import NOON

PUBLIC = "https://cloud.example.org"
TOKEN = "t" * 43
HELSINKI = "Europe/Helsinki"


def story(**changes: Any) -> Story:
    values: dict[str, Any] = {
        "id": "inc_1",
        "account_id": "acc_1",
        "device_id": "is-00000001",
        "cause": Cause.MAINS_LOST,
        "severity": Severity.CRITICAL,
        "opened_at": NOON,
        "detected_at": NOON + timedelta(seconds=10),
        "short_code": "K7QF",
    }
    name = changes.pop("name", "Mökki")
    return Story(incident=Incident(**{**values, **changes}), device_name=name)


def notified(kind: DeliveryKind = DeliveryKind.ALARM, language: str = "en", **changes: Any) -> dict[str, Any]:
    reader = Reader(language=language, time_zone=HELSINKI)
    said: dict[str, Any] = json.loads(push_text(story(**changes), reader, kind, token=TOKEN, public_url=PUBLIC))
    return said


def posted(kind: DeliveryKind = DeliveryKind.ALARM, **changes: Any) -> dict[str, Any]:
    reader = Reader(language="en", time_zone=HELSINKI)
    text = webhook_text(story(**changes), reader, kind, message_id="dlv_1", token=TOKEN, public_url=PUBLIC)
    said: dict[str, Any] = json.loads(text)
    return said


def test_a_notification_says_what_where_and_when_and_offers_to_take_it() -> None:
    said = notified()
    assert said["title"] == "Mökki: mains power is out"
    assert "14:00" in said["body"]  # noon UTC in Helsinki
    assert (said["tag"], said["hook"], said["open"]) == ("inc_1", f"/hooks/push/{TOKEN}", f"/hooks/incident/{TOKEN}")
    assert said["take"]["label"] == "I'll take it"


def test_what_is_over_takes_the_place_of_the_alarm_and_offers_nothing() -> None:
    over = notified(DeliveryKind.CLEAR, state=IncidentState.CLOSED, closed_at=NOON + timedelta(minutes=31))
    assert over["tag"] == notified()["tag"]
    assert "take" not in over
    assert ("is back" in over["title"], "14:31" in over["body"]) == (True, True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_every_notification_fits_whatever_the_names_are(language: str, cause: Cause) -> None:
    for kind in WEBHOOK_TYPES:
        reader = Reader(language=language, time_zone=HELSINKI)
        long = story(cause=cause, name="Ö" * 500, value=-99.9, probe=1)
        text = push_text(long, reader, kind, token=TOKEN, public_url=PUBLIC, said="x" * 300)
        assert len(text.encode()) <= LONGEST_TEXT
        assert json.loads(text)["lang"] == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_of_its_own(language: str) -> None:
    own = endpoint_words(language)
    assert all(getattr(own, each.name) for each in fields(own))
    if language != "en":
        english = endpoint_words("en")
        assert all(getattr(own, each.name) != getattr(english, each.name) for each in fields(own))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_notification_and_the_test_are_said_in_every_language(language: str) -> None:
    made = [
        json.loads(each(language, tag="end_1", token=TOKEN, opens="/contacts"))["body"]
        for each in (push_hello, push_test)
    ]
    assert len({*made, json.loads(webhook_test("dlv_1", NOON, language))["text"]}) == 2


def test_a_program_gets_one_form_that_is_versioned() -> None:
    assert posted(value=None) == {
        "version": 1,
        "id": "dlv_1",
        "type": "incident.alarm",
        "created_at": "2026-11-22T12:00:10.000Z",
        "test": False,
        "incident": {
            "id": "inc_1",
            "cause": "mains_lost",
            "severity": "critical",
            "state": "open",
            "opened_at": "2026-11-22T12:00:00.000Z",
            "closed_at": None,
            "value": None,
            "probe": None,
        },
        "device": {"name": "Mökki"},
        "text": "Mökki: mains power is out",
        "links": {
            "incident": f"{PUBLIC}/incidents/inc_1",
            "acknowledge": f"{PUBLIC}/hooks/incident/{TOKEN}",
        },
    }


def test_a_program_hears_the_end_with_its_time_and_cannot_acknowledge_it() -> None:
    ended = posted(DeliveryKind.CLEAR, state=IncidentState.CLOSED, closed_at=NOON + timedelta(hours=1))
    assert (ended["type"], ended["created_at"]) == ("incident.clear", "2026-11-22T13:00:00.000Z")
    assert list(ended["links"]) == ["incident"]


def test_neither_serial_number_nor_account_nor_code_goes_out() -> None:
    for said in (notified(), posted()):
        text = json.dumps(said)
        assert not any(secret in text for secret in ("is-00000001", "acc_1", "K7QF"))


def test_a_name_that_tells_a_number_is_not_passed_on() -> None:
    assert posted(name="Call +358 40 123 4567")["device"] == {"name": "iSocket"}
    assert notified(name="ada@example.org")["title"].startswith("iSocket: ")


@pytest.mark.parametrize("kind", [ChannelKind.PUSH, ChannelKind.WEBHOOK])
def test_the_notice_of_a_lost_way_names_nobody(kind: ChannelKind) -> None:
    reader = Reader(language="en", time_zone="UTC")
    with_account = gone_notice(kind, reader, link=f"{PUBLIC}/contacts/con_1/endpoints")
    without = gone_notice(kind, reader, link=None)
    said, _, link = with_account.text.partition("\n\n")
    assert link == f"{PUBLIC}/contacts/con_1/endpoints\n"
    assert (without.text, without.subject) == (f"{said}\n", with_account.subject)
