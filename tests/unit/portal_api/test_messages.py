"""What became of each message of one alarm, for programs and for the page."""

from datetime import UTC

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.incidents import Incident
from portal_api.messages import Message
from portal_api.pages_messages import Row, rows_of
from portal_api.pages_timeline import Telling, told
from portal_api.rendering import LocalTime
from portal_api.timelines import Chronicle, chronicles
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL
from tests.fakes.told_story import INCIDENT, ToldHouse, power_cut, power_is_back

Kept = dict[tuple[str | None, str], Message]


@pytest.fixture
async def house() -> ToldHouse:
    house = ToldHouse()
    await power_cut(house)
    return house


async def chronicle_of(house: ToldHouse) -> Chronicle:
    incident = await house.records.get(Incident, INCIDENT)
    assert incident is not None
    return (await chronicles(house.records, ACCOUNT, [incident]))[INCIDENT]


async def alarms(house: ToldHouse) -> Kept:
    found = (await chronicle_of(house)).messages
    return {(each.contact_id, each.channel): each for each in found if each.kind is DeliveryKind.ALARM}


async def rows(house: ToldHouse) -> list[Row]:
    return rows_of(await chronicle_of(house), LocalTime(zone=UTC, now=house.clock.now()))


async def test_each_message_has_the_moments_that_are_known_of_it(house: ToldHouse) -> None:
    found = await alarms(house)
    text, call, mail = (found[ANNA, way] for way in ("sms", "voice", "email"))
    assert text.accepted_at is not None
    assert text.delivered_at is not None
    assert text.due_at <= text.accepted_at < text.delivered_at
    assert (call.answered_at, call.key_pressed_at, call.state) == (None, None, DeliveryState.FAILED)
    assert (mail.state, mail.delivered_at) == (DeliveryState.SENT, None)
    assert (text.tries, text.contact) == (1, "Anna")


async def test_a_call_tells_of_answer_and_key_and_who_took_it(house: ToldHouse) -> None:
    call = (await alarms(house))[BERTIL, ChannelKind.VOICE]
    assert call.answered_at is not None
    assert call.key_pressed_at is not None
    assert call.answered_at < call.key_pressed_at <= (call.acknowledged_at or call.answered_at)
    assert (await alarms(house))[BERTIL, ChannelKind.SMS].acknowledged_at is None


async def test_the_page_shows_each_person_with_each_way_and_why_not(house: ToldHouse) -> None:
    shown = {row.name: [(way.name, way.badge, way.why) for way in row.ways] for row in await rows(house)}
    assert shown == {
        "Anna": [
            ("text message", "arrived", ""),
            ("e-mail", "sent", ""),
            ("call", "failed", "nobody answered"),
        ],
        "Bertil, next door": [("text message", "arrived", ""), ("call", "acknowledged", "")],
        "Carla": [("call", "not sent", "the address is not verified yet")],
    }


async def test_what_is_said_of_the_end_comes_after_the_end(house: ToldHouse) -> None:
    await power_is_back(house)
    lines = (await chronicle_of(house)).lines
    said = [each.text for each in told(lines, Telling(account_id=ACCOUNT, time=LocalTime(zone=UTC, now=lines[-1].at)))]
    end = said.index("Closed, after 48 min: the trouble is over.")
    assert said[end + 1 :] == [
        "E-mail to Anna that it is over: handed over.",
        "Text message to Anna that it is over: handed over.",
        "Text message to Bertil, next door that it is over: handed over.",
    ]
    assert said.index("Acknowledged by Bertil, next door, by a key. Nobody else is alarmed.") < said.index(
        "Text message to Anna that somebody else has taken it: handed over."
    )


async def test_a_message_that_waits_for_the_end_of_quiet_hours_says_so() -> None:
    house = ToldHouse()
    night = {"start": "11:00", "end": "13:00", "except_critical": False}
    await house.furnish(name="Anna", email=None, quiet_hours=night)
    await house.incident(INCIDENT)
    await house.work()
    ((way,),) = [row.ways for row in await rows(house)]
    assert (way.badge, way.why) == ("waits", "for the end of their quiet hours at 13:00")
