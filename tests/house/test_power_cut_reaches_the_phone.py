"""The promise that all else serves: mains power fails at a socket, and a person knows within seconds."""

import contextlib
import re
import sqlite3
from typing import Any

import pytest

from tests.fakes.customer import Customer, text_of
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.thin_socket import ThinSocket
from tests.fakes.twilio_server import TwilioDouble, refuse
from tests.fakes.whole_cloud import WholeCloud, eventually

pytestmark = pytest.mark.house

ANNA, BERTIL, CECILIA = "+447700900001", "+447700900002", "+447700900003"
NAME, PLACE = "Mökki", "Fuse box behind the green door"
# 3GPP TS 23.038: the default alphabet, and what costs two places in it.
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_TWICE = frozenset("^{}\\[~]|€")


def is_one_segment(text: str) -> bool:
    return set(text) <= GSM7 | GSM7_TWICE and len(text) + sum(char in GSM7_TWICE for char in text) <= 160


def whats(incident: dict[str, Any]) -> set[str]:
    return {line["what"] for line in incident["timeline"]}


def lines(incident: dict[str, Any], what: str, channel: str = "sms", kind: str = "alarm") -> list[dict[str, Any]]:
    fits = [line for line in incident["timeline"] if line["what"] == what and line["channel"] == channel]
    return [line for line in fits if line["detail"].get("kind", kind) == kind]


def delivery_states(incident: dict[str, Any], channel: str = "sms") -> list[str]:
    return [line["detail"]["state"] for line in lines(incident, "delivery_due", channel)]


def alarms_to(twilio: TwilioDouble, phone: str) -> list[str]:
    """Return what reached a phone, without verification codes."""
    return [each.body for each in twilio.accepted[phone] if not re.search(r"(?<!\d)\d{6}(?!\d)", each.body)]


@pytest.fixture
async def socket(cloud: WholeCloud, owner: Customer) -> Any:
    """A claimed socket that is connected and told its state once."""
    (made,) = await cloud.provision()
    await owner.claim(made, NAME)
    await owner.ask("PATCH", f"/devices/{made.device_id}", {"place": PLACE})
    async with ThinSocket(made, cloud.mqtt_port) as connected:
        await connected.state_that_is_stored(mains=True, battery_pct=97, temp_c=[20.5])
        yield connected


@pytest.mark.parametrize("told_by", ["an alarm", "a state report"])
async def test_a_power_cut_reaches_phone_and_mailbox_once_and_its_end_too(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble, mail: SmtpSink, told_by: str
) -> None:
    await owner.add_contact("Anna", phone=ANNA)
    codes, letters = len(twilio.accepted[ANNA]), len(mail.accepted[owner.email])
    await owner.set(socket.made, mains_delay_s=0, restore_delay_s=0)
    if told_by == "an alarm":
        socket.alarm("mains_lost")
    else:
        socket.state(mains=False, battery_pct=97)
    sms = await twilio.wait_for_accepted(ANNA, codes + 1)
    mails = await mail.wait_for_mail(owner.email, letters + 1)
    assert is_one_segment(sms[codes].body)
    assert NAME in sms[codes].body
    assert NAME in str(mails[letters].parsed["Subject"])
    for private in ("@", "http", PLACE, ANNA, ANNA[-6:], "Anna", owner.email, socket.made.device_id):
        assert private not in sms[codes].body
    incident = await owner.the_incident(socket.made, "mains_lost", lambda found: whats(found) >= {"attempt"})
    assert incident["short_code"] in sms[codes].body
    assert (incident["state"], incident["severity"], incident["test"]) == ("open", "critical", False)

    if told_by == "an alarm":
        socket.alarm("mains_lost", active=False)
    else:
        socket.state(mains=True, battery_pct=96)
    sms = await twilio.wait_for_accepted(ANNA, codes + 2)
    mails = await mail.wait_for_mail(owner.email, letters + 2)
    closed = await owner.the_incident(socket.made, "mains_lost", lambda found: found["state"] == "closed")
    assert closed["closed_at"] >= closed["opened_at"]
    assert is_one_segment(sms[codes + 1].body)
    assert [len(sms), len(mails)] == [codes + 2, letters + 2]


async def test_a_power_cut_reaches_the_phone_though_the_socket_lost_its_count_of_messages(
    cloud: WholeCloud, owner: Customer, twilio: TwilioDouble
) -> None:
    (made,) = await cloud.provision()
    await owner.claim(made, NAME)
    await owner.add_contact("Anna", phone=ANNA)
    async with ThinSocket(made, cloud.mqtt_port, boot=50) as before:
        await before.state_that_is_stored(mains=True, battery_pct=97, temp_c=[-18.5])
    await cloud.stop()
    age_what_was_heard(cloud, minutes=10)
    await cloud.start()
    texts = len(twilio.accepted[ANNA])
    async with ThinSocket(made, cloud.mqtt_port, boot=1) as erased:
        erased.alarm("mains_lost")
        sms = await twilio.wait_for_accepted(ANNA, texts + 1)
        assert NAME in sms[texts].body
        await erased.until_all_is_stored()
        assert erased.told == (1, 1), "in its own numbers"
        erased.state(mains=True, battery_pct=97, temp_c=[-18.5])
        erased.alarm("mains_lost", active=False)
        await owner.the_incident(made, "mains_lost", lambda found: found["state"] == "closed")


def age_what_was_heard(cloud: WholeCloud, *, minutes: int) -> None:
    """Let time pass for what lies in the store of a cloud that is stopped."""
    with contextlib.closing(sqlite3.connect(cloud.data / "isocket.sqlite")) as store, store:
        for change in (
            "UPDATE report_log SET at = at - :ms, received = received - :ms",
            "UPDATE heard SET at = at - :ms, received = received - :ms",
            "UPDATE unfiled SET at = at - :ms",
            "UPDATE filed_by_time SET at = at - :ms",
        ):
            store.execute(change, {"ms": minutes * 60_000})


async def test_the_timeline_shows_message_try_and_receipt_and_believes_only_what_is_signed(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble
) -> None:
    await owner.add_contact("Anna", phone=ANNA)
    codes = len(twilio.accepted[ANNA])
    socket.alarm("mains_lost")
    sms = (await twilio.wait_for_accepted(ANNA, codes + 1))[codes]
    sent = await owner.the_incident(
        socket.made,
        "mains_lost",
        lambda found: delivery_states(found) == delivery_states(found, "email") == ["sent"],
    )
    assert [line["detail"]["outcome"] for line in lines(sent, "attempt")] == ["sent"]
    assert {line["contact"] for line in lines(sent, "attempt")} == {"Anna"}

    for forged in ("the wrong token", ""):
        assert await twilio.send_status(sms.sid, "undelivered", 30003, sign_with=forged) == [403]
    assert (await owner.incident(sent["id"]))["timeline"] == sent["timeline"], "what is not signed changes nothing"

    answers = await twilio.send_status(sms.sid, "delivered", times=2)
    assert all(200 <= answer < 300 for answer in answers)
    known = await owner.the_incident(socket.made, "mains_lost", lambda found: delivery_states(found) == ["delivered"])
    assert [line["detail"]["status"] for line in lines(known, "receipt")] == ["delivered"], "told twice, written once"


async def test_the_end_is_told_to_exactly_those_who_were_told_of_the_alarm(
    owner: Customer, socket: ThinSocket, twilio: TwilioDouble
) -> None:
    anna = await owner.add_contact("Anna", phone=ANNA)
    bertil = await owner.add_contact("Bertil", phone=BERTIL)
    await owner.add_contact("Cecilia", phone=CECILIA)
    await owner.ask("PUT", "/escalation", {"steps": [{"contacts": [anna["id"], bertil["id"]]}]})
    await owner.set(socket.made, mains_delay_s=0, restore_delay_s=0)
    twilio.script(BERTIL, refuse(21211))  # no such number: he cannot be called either
    socket.alarm("mains_lost")
    await owner.the_incident(
        socket.made, "mains_lost", lambda found: sorted(delivery_states(found)) == ["failed", "sent"]
    )
    socket.alarm("mains_lost", active=False)
    closed = await owner.the_incident(
        socket.made,
        "mains_lost",
        lambda found: [line["detail"]["outcome"] for line in lines(found, "attempt", kind="clear")] == ["sent"],
    )
    assert closed["state"] == "closed"
    assert [len(alarms_to(twilio, phone)) for phone in (ANNA, BERTIL, CECILIA)] == [2, 0, 0]


@pytest.mark.parametrize("way", ["the API", "a reply by SMS"])
async def test_acknowledging_keeps_the_next_step_of_the_ladder_from_being_told(
    cloud: WholeCloud, owner: Customer, socket: ThinSocket, twilio: TwilioDouble, way: str
) -> None:
    anna = await owner.add_contact("Anna", phone=ANNA)
    bertil = await owner.add_contact("Bertil", phone=BERTIL)
    steps = [
        {"contacts": [anna["id"]], "channels": ["sms"], "after_s": 0},
        {"contacts": [bertil["id"]], "channels": ["sms"], "after_s": 3},
    ]
    await owner.ask("PUT", "/escalation", {"steps": steps})
    codes = len(twilio.accepted[ANNA])
    socket.alarm("mains_lost")
    await twilio.wait_for_accepted(ANNA, codes + 1)
    first = await owner.the_incident(socket.made, "mains_lost")
    if way == "the API":
        await owner.ask("POST", f"/incidents/{first['id']}/ack")
    else:
        reply = {"From": ANNA, "To": "+447700900999", "Body": f" {first['short_code'].lower()} "}
        assert await twilio.post_signed(f"{cloud.origin}/hooks/twilio/inbound", reply) == 200
    await owner.the_incident(socket.made, "mains_lost", lambda found: found["state"] == "acknowledged")

    # A later alarm climbs the same ladder: when its second step is told, that of the first is long past.
    socket.alarm("temp_low", value=2.0)
    second = await owner.the_incident(socket.made, "temp_low")
    await eventually(
        lambda: _told(twilio, BERTIL), lambda texts: any(second["short_code"] in text for text in texts), "step two"
    )
    assert not [text for text in alarms_to(twilio, BERTIL) if first["short_code"] in text]
    assert (await owner.incident(first["id"]))["state"] == "acknowledged", "the record goes on"


async def _told(twilio: TwilioDouble, phone: str) -> list[str]:
    return alarms_to(twilio, phone)


async def test_the_mail_holds_the_facts_and_a_link_whose_opening_acknowledges_nothing(
    owner: Customer, socket: ThinSocket, mail: SmtpSink
) -> None:
    letters = len(mail.accepted[owner.email])
    socket.alarm("mains_lost")
    letter = (await mail.wait_for_mail(owner.email, letters + 1))[letters]
    link = re.search(r"http\S+/incidents/\S+", text_of(letter))
    assert link is not None
    assert "List-Unsubscribe" in letter.parsed
    assert letter.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert text_of(letter).rstrip().endswith("whoever runs this iSocket Cloud, privacy@localhost"), "who answers for it"
    await owner.open_page(link.group())
    incident = await owner.the_incident(socket.made, "mains_lost")
    assert incident["state"] == "open"
