"""The pages, as somebody without scripts meets them, through the real HTTP server."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import Account, AccountRole, Registration
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.problems import Problem
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.secrets import claim_hash
from isocket.domain.unheard import unheard_of
from isocket.kit.clock import to_ms
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_overview import MOST_TROUBLES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PortalHouse, portal_house
from tests.fakes.visitor import FROM_OUR_PAGE, Visitor, signed_in

MAIJA = "maija@example.org"
CODE = "7H3K-9QXM-2D4V-RT8W"
DEVICE = "is00000001"
INCIDENT = "inc_mains"
WITH_PAGES = (*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=False))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES) as running:
        yield running


async def make_device(house: PortalHouse, device_id: str = DEVICE, **more: Any) -> None:
    now = house.clock.now()
    made = {"model": "isocket-4g", "secret_hash": "x", "claim_hash": claim_hash(CODE), "provisioned_at": now, **more}
    await house.records.add(Device(id=device_id, **made))


async def hear(house: PortalHouse, device_id: str = DEVICE, **fields: Any) -> None:
    now = to_ms(house.clock.now())
    body = json.dumps(fields)
    report = Report(device_id, ReportKind.STATE, 1, now, now, now, ClockQuality.DEVICE, body, fields)
    await house.telemetry.store([report])
    await house.telemetry.note_presence(device_id, online=True, at=house.clock.now())


async def raise_alarm(house: PortalHouse, incident_id: str = INCIDENT, device_id: str = DEVICE, **more: Any) -> None:
    account = (await house.records.find(Account))[0]
    now = house.clock.now()
    made = {"cause": Cause.MAINS_LOST, "severity": Severity.CRITICAL, "opened_at": now, "detected_at": now, **more}
    await house.records.add(
        Incident(id=incident_id, account_id=account.id, device_id=device_id, open_key=incident_id, **made)
    )


async def own(house: PortalHouse, **more: Any) -> Visitor:
    """Return Maija's browser; she has one socket."""
    visitor = await signed_in(house, MAIJA, time_zone="Europe/Helsinki")
    account = await house.account(MAIJA)
    await make_device(house, owner_id=account.id, claimed_at=house.clock.now(), **{"name": "Summer house", **more})
    return visitor


async def test_somebody_without_scripts_gets_from_nothing_to_a_switched_socket_and_a_seen_alarm(
    house: PortalHouse,
) -> None:
    visitor = Visitor(house.client)
    await make_device(house)
    page = await visitor.open("/register")
    page = await visitor.send(page, "/register", username=MAIJA, password=PASSWORD, name="Maija")
    assert (page.status, "Look in your mailbox" in page.words) == (202, True)
    page = await visitor.open(f"/activate?token={await house.link_token(MAIJA)}")
    page = await visitor.send(page, "/activate", password=PASSWORD)
    assert "Your account is open" in page.words
    page = await visitor.sign_in(MAIJA)
    page = await visitor.send(page, "/devices/claim", device_id=DEVICE, claim_code=CODE.lower(), name="Summer house")
    assert "Summer house" in page.words
    await hear(house, relay=False, mains=True)
    page = await visitor.open("/")
    page = await visitor.send(page, f"/devices/{DEVICE}/commands", name="on")
    assert "Switch on: waiting to be sent" in page.words
    (command,) = await house.records.find(Command)
    assert (command.device_id, command.name, command.status) == (DEVICE, "on", CommandStatus.QUEUED)
    await raise_alarm(house)
    page = await visitor.send(await visitor.open("/"), f"/incidents/{INCIDENT}/ack")
    incident = await house.records.get(Incident, INCIDENT)
    assert incident is not None
    assert incident.state is IncidentState.ACKNOWLEDGED
    assert "Acknowledged. Nobody else is alarmed" in page.words


async def test_a_socket_without_a_name_is_called_on_pages_what_messages_call_it(house: PortalHouse) -> None:
    visitor = await own(house, name=None, number=2)
    await raise_alarm(house)
    await house.records.remove_all(Contact)
    overview, incident = await visitor.open("/"), await visitor.open(f"/incidents/{INCIDENT}")
    assert "Nobody would be told now of an alarm at iSocket 2 :" in overview.words
    assert f'<a href="/devices/{DEVICE}">iSocket 2</a>' in incident.html
    for path in ("", "/history", "/alarms", "/ladder", "/schedule", "/people"):
        page = await visitor.open(f"/devices/{DEVICE}{path}")
        assert "iSocket 2" in page.words, path
    page = await visitor.open(f"/devices/{DEVICE}")
    assert "with one that no text can carry, messages say iSocket 2." in page.words


async def test_the_link_in_the_mail_opens_no_account_until_the_button_is_pressed(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": PASSWORD})
    link = f"/activate?token={await house.link_token(MAIJA)}"
    for _ in range(2):
        assert (await visitor.open(link)).status == 200
    assert await house.records.count(Account) == 0


async def test_the_button_in_the_link_opens_no_account_with_a_password_that_a_stranger_chose(
    house: PortalHouse,
) -> None:
    visitor = Visitor(house.client)
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": OTHER_PASSWORD})
    page = await visitor.open(f"/activate?token={await house.link_token(MAIJA)}")
    empty = await visitor.send(page, "/activate", password="")
    assert (empty.status, await house.records.count(Account)) == (422, 0)
    await visitor.send(empty, "/activate", password=PASSWORD)
    stranger = {"username": MAIJA, "password": OTHER_PASSWORD}
    assert (await house.ask("POST", "/tokens", stranger)).status == 401
    assert (await visitor.sign_in(MAIJA)).path == "/"


async def test_who_stopped_our_mails_to_oneself_takes_them_up_again_with_a_button(house: PortalHouse) -> None:
    visitor = await own(house)
    await house.records.change_all(Contact, paused_at=house.clock.now(), pause_reason="unsubscribed")
    (contact,) = await house.records.find(Contact)
    page = await visitor.send(await visitor.open("/contacts"), f"/contacts/{contact.id}/resume")
    assert "You are told again" in page.words
    (contact,) = await house.records.find(Contact)
    assert (contact.paused_at, contact.pause_reason) == (None, None)


@pytest.mark.parametrize("path", ["/", "/incidents", f"/incidents/{INCIDENT}", f"/incidents/{INCIDENT}/ack"])
async def test_looking_at_an_incident_does_not_acknowledge_it(house: PortalHouse, path: str) -> None:
    visitor = await own(house)
    await raise_alarm(house)
    await visitor.open(path)
    incident = await house.records.get(Incident, INCIDENT)
    assert incident is not None
    assert incident.state is IncidentState.OPEN


async def test_an_acknowledged_incident_has_no_button_any_more(house: PortalHouse) -> None:
    visitor = await own(house)
    await raise_alarm(house)
    page = await visitor.send(await visitor.open(f"/incidents/{INCIDENT}"), f"/incidents/{INCIDENT}/ack")
    assert not [each for each in page.forms if each.action.endswith("/ack")]


async def test_whoever_was_invited_chooses_a_password_when_opening_the_account(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    await house.records.add(
        Registration(
            id=token_hash("invitation"),
            account_id="acc_staff",
            email="staff@example.org",
            role=AccountRole.STAFF,
            expires_at=house.clock.now() + timedelta(days=1),
        )
    )
    page = await visitor.open("/activate?token=invitation")
    assert "the one you typed before" not in page.words
    weak = await visitor.send(page, "/activate", password="short")
    assert (weak.status, "at least 15 characters" in weak.words) == (422, True)
    await visitor.send(weak, "/activate", password=PASSWORD)
    assert (await visitor.sign_in("staff@example.org")).path == "/"
    assert (await house.account("staff@example.org")).role is AccountRole.STAFF


async def test_a_forgotten_password_is_replaced_and_every_browser_signed_out(house: PortalHouse) -> None:
    visitor = await own(house)
    await visitor.send(await visitor.open("/forgotten"), "/forgotten", username=MAIJA)
    page = await visitor.open(f"/reset?token={await house.link_token(MAIJA)}")
    page = await visitor.send(page, "/reset", password=OTHER_PASSWORD)
    assert "Your password is changed" in page.words
    assert "Sign in" in (await visitor.open("/incidents")).words
    assert (await visitor.sign_in(MAIJA, OTHER_PASSWORD)).path == "/"


@pytest.mark.parametrize("path", ["/activate", "/activate?token=wrong", "/reset?token=wrong"])
async def test_a_link_that_is_not_good_says_so_and_breaks_nothing(house: PortalHouse, path: str) -> None:
    visitor = Visitor(house.client)
    page = await visitor.open(path)
    if page.status == 200:
        page = await visitor.send(page, "/reset", password=PASSWORD)
    assert (page.status, "not good any more" in page.words) == (400, True)


async def test_a_link_whose_time_is_over_says_so_before_a_new_password_is_thought_of(house: PortalHouse) -> None:
    visitor = await own(house)
    await visitor.send(await visitor.open("/forgotten"), "/forgotten", username=MAIJA)
    path = f"/reset?token={await house.link_token(MAIJA)}"
    assert (await visitor.open(path)).status == 200
    await house.clock.advance(30 * 60 + 1)
    late = await visitor.open(path)
    assert (late.status, "not good any more" in late.words) == (400, True)
    assert "/forgotten" in late.links


async def test_a_wrong_password_is_refused_on_the_same_page_which_keeps_the_address(house: PortalHouse) -> None:
    await house.register(MAIJA)
    page = await Visitor(house.client).sign_in(MAIJA, "something else again")
    assert page.status == 401
    assert "wrong" in page.words
    assert page.forms[0].values["username"] == MAIJA
    assert page.forms[0].values["password"] == ""


async def test_who_is_not_signed_in_gets_to_the_wanted_page_by_signing_in(house: PortalHouse) -> None:
    await house.register(MAIJA)
    visitor = Visitor(house.client)
    page = await visitor.open("/incidents?state=open")
    page = await visitor.send(page, page.forms[0].action, username=MAIJA, password=PASSWORD)
    assert page.path == "/incidents?state=open"


async def test_signing_in_sends_nobody_to_another_site(house: PortalHouse) -> None:
    await house.register(MAIJA)
    visitor = Visitor(house.client)
    page = await visitor.open("/")
    answer = await house.client.post(
        page.forms[0].action,
        data={"username": MAIJA, "password": PASSWORD, "next": "//evil.example.net/"},
        headers={"Origin": house.portal.settings.origin},
        allow_redirects=False,
    )
    assert answer.headers["Location"] == "/"


async def test_signing_out_ends_the_session_in_the_store_too(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.send(await visitor.open("/"), "/sign-out")
    assert "You are signed out" in page.words
    assert "Sign in" in (await visitor.open("/contacts")).words


async def test_whoever_is_signed_in_can_ask_for_another_account(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.open("/register")
    page = await visitor.send(page, "/register", username="another@example.org", password=PASSWORD, name="Pekka")
    assert (page.status, "Look in your mailbox" in page.words) == (202, True)


async def test_a_wrong_claim_code_is_told_and_what_was_typed_stays(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    await make_device(house)
    page = await visitor.send(await visitor.open("/"), "/devices/claim", device_id=DEVICE, claim_code="AAAA")
    assert (page.status, "Look at its label again" in page.words) == (404, True)
    assert page.form("/devices/claim").values["device_id"] == DEVICE


async def test_a_claim_without_an_id_is_asked_for_it_and_not_told_of_characters(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.send(await visitor.open("/"), "/devices/claim", device_id=" ", claim_code=CODE)
    assert (page.status, "Please fill this in." in page.words, "characters" in page.words) == (422, True, False)


@pytest.mark.parametrize("path", [f"/devices/{DEVICE}", f"/incidents/{INCIDENT}", "/devices/nowhere"])
async def test_what_belongs_to_somebody_else_looks_like_nothing(house: PortalHouse, path: str) -> None:
    await house.register("other@example.org")
    other = await house.account("other@example.org")
    await make_device(house, owner_id=other.id, name="Private")
    await raise_alarm(house)
    await house.register(MAIJA)
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    page = await visitor.open(path)
    assert page.status == 404
    assert "Private" not in (await visitor.open("/")).words + (await visitor.open("/incidents")).words + page.words


async def test_the_overview_shows_how_each_socket_is(house: PortalHouse) -> None:
    visitor = await own(house, desired={"temp": [{"low_c": 5}], "input": []}, part_names='{"temp": ["Cellar"]}')
    await hear(house, relay=True, mains=False, battery_pct=28, temp_c=[3.5, None], input=[True], armed=True)
    words = (await visitor.open("/")).words
    for said in (
        "Online",
        "Mains out",
        "Battery 28 %",
        "Cellar 3.5 °C",
        "Temperature 2 no reading",
        "Input 1 triggered",
    ):
        assert said in words


async def test_a_silent_socket_is_offline_and_one_never_heard_says_so(house: PortalHouse) -> None:
    visitor = await own(house)
    assert "Never heard" in (await visitor.open("/")).words
    await hear(house, relay=True)
    await house.clock.advance(3 * 3600)
    page = await visitor.open("/")
    assert "Offline" in page.words
    assert "Last heard 3 h ago" in page.words


async def test_all_is_well_only_while_every_socket_is_in_touch_and_shows_nothing_bad(house: PortalHouse) -> None:
    visitor = await own(house)
    never_heard = (await visitor.open("/")).words
    await hear(house, relay=True, mains=True)
    in_touch = (await visitor.open("/")).words
    await house.clock.advance(1)
    await hear(house, relay=True, mains=False)  # the alarm's delay still runs
    mains_out = (await visitor.open("/")).words
    await house.clock.advance(1)
    await hear(house, relay=True, mains=True)
    await house.telemetry.note_presence(DEVICE, online=False, at=house.clock.now())  # and no heartbeat is missed yet
    offline = (await visitor.open("/")).words
    said = [("All is well" in each, "No alarm is open" in each) for each in (never_heard, in_touch, mains_out, offline)]
    assert said == [(False, True), (True, False), (False, True), (False, True)]


async def test_times_are_the_readers_own(house: PortalHouse) -> None:
    visitor = await own(house)  # noon in UTC
    await raise_alarm(house)
    page = await visitor.open("/")
    assert "since 14:00" in page.words
    page = await visitor.open("/profile")
    await visitor.send(page, "/profile", time_zone="America/New_York")
    assert "since 07:00" in (await visitor.open("/")).words


async def test_settings_are_changed_in_a_form_and_the_rest_of_them_stays(house: PortalHouse) -> None:
    visitor = await own(
        house, desired={"temp": [{"delay_s": 7, "low_c": 2}], "heartbeat_s": 60}, part_names='{"temp": ["Hall"]}'
    )
    page = await visitor.open(f"/devices/{DEVICE}")
    typed = {"temp.0.low_c": "4,5", "temp.1.name": "Cellar", "mains_delay_s": "0", "battery_low_pct": "20, 60"}
    await visitor.send(page, f"/devices/{DEVICE}/settings", **typed)
    device = await house.records.get(Device, DEVICE)
    assert device is not None
    hall = device.desired["temp"][0]
    assert (hall["low_c"], hall["high_c"], hall["delay_s"], hall["hysteresis_c"]) == (4.5, None, 7, 1)
    assert "name" not in hall
    assert device.part_names == '{"temp": ["Hall", "Cellar"]}'
    assert (device.desired["mains_delay_s"], device.desired["heartbeat_s"]) == (0, 60)
    assert device.desired["battery_low_pct"] == [60, 20]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("mains_delay_s", "soon"), ("mains_delay_s", "nan"), ("battery_low_pct.0", "120"), ("temp.0.low_c", "1e999")],
)
async def test_a_setting_that_cannot_be_is_named_and_nothing_changes(house: PortalHouse, name: str, typed: str) -> None:
    visitor = await own(house)
    page = await visitor.open(f"/devices/{DEVICE}")
    field = name.removesuffix(".0")
    page = await visitor.send(page, f"/devices/{DEVICE}/settings", **{field: typed})
    assert page.status == 422
    assert [each for tag, each in page.tags if tag == "input" and each["name"] == field and "aria-invalid" in each]
    device = await house.records.get(Device, DEVICE)
    assert device is not None
    assert device.desired == {}


async def test_limits_that_contradict_each_other_are_told_in_the_words_of_people(house: PortalHouse) -> None:
    visitor, limits = await own(house), {"temp.0.low_c": "9", "temp.0.high_c": "6"}
    page = await visitor.send(await visitor.open(f"/devices/{DEVICE}"), f"/devices/{DEVICE}/settings", **limits)
    assert (page.status, page.said_at("temp.0")) == (422, "The lower limit must be below the upper one.")
    assert page.focused == ["temp.0-more"]


async def test_a_name_that_cannot_be_is_told_and_what_was_typed_stays(house: PortalHouse) -> None:
    visitor, path = await own(house), f"/devices/{DEVICE}/name"
    page = await visitor.send(await visitor.open(f"/devices/{DEVICE}"), path, name="x" * 121, place="By the lake")
    assert page.status == 422
    assert (page.form(path).values["name"], page.form(path).values["place"]) == ("x" * 121, "By the lake")


@pytest.mark.parametrize(("language", "words"), [("en", "Sign in"), ("sv", "Logga in")])
async def test_a_form_whose_session_is_over_leads_through_signing_in_back_to_its_page(
    house: PortalHouse, language: str, words: str
) -> None:
    visitor = await own(house)
    form = (await visitor.open("/contacts")).form("/contacts").values
    await visitor.send(await visitor.open("/"), "/sign-out")
    came_from = {**FROM_OUR_PAGE, "Accept-Language": language, "Referer": str(house.client.make_url("/contacts?a=1"))}
    page = await visitor.post("/contacts", form, came_from)
    assert (page.status, words in page.words) == (401, True)
    assert page.links[0] == "/login?next=%2Fcontacts%3Fa%3D1"


async def test_a_form_of_an_old_page_leads_back_to_that_page_and_nowhere_else(house: PortalHouse) -> None:
    visitor = await own(house)
    form = (await visitor.open("/contacts")).form("/contacts").values | {"csrf": "0" * 64}
    for referrer, first in (("/contacts", "/contacts"), ("https://evil.example.net/contacts", "/")):
        whole = referrer if "//" in referrer else str(house.client.make_url(referrer))
        page = await visitor.post("/contacts", form, {**FROM_OUR_PAGE, "Referer": whole})
        assert (page.status, page.links[0]) == (403, first)


async def test_the_page_of_a_socket_tells_which_messages_were_refused_and_why(house: PortalHouse) -> None:
    visitor = await own(house)
    await house.records.add(
        Problem(
            id="prb_1",
            device_id=DEVICE,
            at=house.clock.now(),
            topic_kind="state",
            reason="a number from 0 to 100 is needed",
            field="battery_pct",
        )
    )
    words = (await visitor.open(f"/devices/{DEVICE}")).words
    assert "a number from 0 to 100 is needed battery_pct" in words


async def test_a_model_that_cannot_do_it_says_so(house: PortalHouse) -> None:
    visitor = await own(house, model="isocket-3g")
    await hear(house, relay=False)
    page = await visitor.open(f"/devices/{DEVICE}")
    page = await visitor.send(page, f"/devices/{DEVICE}/commands", name="arm")
    assert (page.status, "has no alarm input" in page.words) == (422, True)


async def test_a_socket_that_reports_an_alarm_input_has_buttons_to_arm_it_whatever_its_model(
    house: PortalHouse,
) -> None:
    visitor = await own(house, model="isocket-3g")
    assert 'value="arm"' not in (await visitor.open(f"/devices/{DEVICE}")).html
    await hear(house, armed=False)
    assert 'value="arm"' in (await visitor.open(f"/devices/{DEVICE}")).html


@pytest.mark.parametrize("said", [{"armed": False}, {}], ids=["reported still", "reported no more"])
async def test_a_rule_that_arms_is_not_saved_as_one_that_switches_whatever_the_model(
    house: PortalHouse, said: dict[str, Any]
) -> None:
    visitor, path = await own(house, model="isocket-3g"), f"/devices/{DEVICE}/schedule"
    rule = {"at": "22:00", "days": "mon,tue,wed,thu,fri,sat,sun", "name": "arm", "args": {}}
    await house.records.change_one(Device, is_("id", DEVICE), desired={"schedule": [rule]})
    await hear(house, **said)
    page = await visitor.open(path)
    assert page.form(path).values["schedule.0.name"] == "arm"
    assert (await visitor.send(page, path)).status == (200 if said else 422)


async def test_seconds_of_a_rule_with_thousands_of_digits_are_refused_beside_it(house: PortalHouse) -> None:
    visitor, path = await own(house), f"/devices/{DEVICE}/schedule"
    typed = {"schedule.0.at": "22:00", "schedule.0.name": "on_for", "schedule.0.seconds": "9" * 5000}
    page = await visitor.send(await visitor.open(path), path, **typed)
    assert page.status == 422
    assert page.form(path).values["schedule.0.at"] == "22:00"


async def test_a_socket_is_given_up_on_its_page(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.open(f"/devices/{DEVICE}")
    page = await visitor.send(page, f"/devices/{DEVICE}/give-up")
    device = await house.records.get(Device, DEVICE)
    assert device is not None
    assert device.owner_id is None
    assert "You gave the socket up" in page.words


async def test_a_test_alarm_leads_to_its_incident(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.open(f"/devices/{DEVICE}")
    page = await visitor.send(page, f"/devices/{DEVICE}/test-alarm")
    assert page.path.startswith("/incidents/inc_")
    assert "Test alarm" in page.words


async def test_a_contact_is_entered_verified_with_the_code_and_removed(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.send(await visitor.open("/contacts"), "/contacts", name="Anna", email="anna@example.org")
    assert "Not verified" in page.words
    (contact,) = await house.records.find(Contact, is_("is_owner", False))
    code = (await house.mails("anna@example.org"))[-1].text.split(".")[0].split()[-1]
    action = f"/contacts/{contact.id}/verify"
    wrong = await visitor.send(page, action, code="000000" if code != "000000" else "111111")
    assert (wrong.status, "not the code" in wrong.words) == (422, True)
    page = await visitor.send(wrong, action, code=code)
    assert "Not verified" not in page.words
    page = await visitor.send(page, f"/contacts/{contact.id}/remove")
    assert "Anna" not in page.words


async def test_a_bad_phone_number_is_named_beside_its_field(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.send(await visitor.open("/contacts"), "/contacts", name="Anna", phone="0401234567")
    assert page.status == 422
    assert "Write the number with + and the country" in page.said_at("phone")
    assert page.form("/contacts").values["phone"] == "0401234567"


async def test_the_timeline_tells_in_sentences_who_was_told_and_who_not(house: PortalHouse) -> None:
    visitor = await own(house)
    account, now = await house.account(MAIJA), house.clock.now()
    await house.records.add(
        Contact(id="con_anna", account_id=account.id, name="Anna", phone="+447700900123", created_at=now)
    )
    await raise_alarm(house)

    def line(number: int, what: Happening, reason: str = "", **detail: Any) -> TimelineEntry:
        return TimelineEntry(
            id=f"tl_{number}",
            incident_id=INCIDENT,
            account_id=account.id,
            at=now + timedelta(seconds=number),
            what=what,
            reason=reason,
            contact_id="con_anna",
            channel="sms",
            detail=detail,
        )

    await house.records.add_all(
        [
            line(1, Happening.NOT_SENT, "unverified"),
            line(2, Happening.ATTEMPT, "number_invalid 21211", outcome="refused"),
            line(3, Happening.ATTEMPT, "answer_lost: TimeoutError", outcome="unclear"),
            line(4, Happening.RECEIPT, status="delivered"),
        ]
    )
    words = (await visitor.open(f"/incidents/{INCIDENT}")).words
    assert "Not sent to Anna by text message: the address is not verified yet." in words
    assert "Text message to Anna with the alarm: refused, the provider does not know the number." in words
    assert "it is not clear whether it went out" in words
    assert "Text message to Anna: it has arrived." in words
    assert "TimeoutError" not in words


async def test_a_sockets_page_says_who_would_be_told_now_and_what_is_missing(house: PortalHouse) -> None:
    visitor = await own(house)
    await hear(house, mains=True)
    page = await visitor.open(f"/devices/{DEVICE}")
    assert "e-mail at once; last reached" in page.words
    await house.records.change_all(Contact, email_verified_at=None)
    page = await visitor.open(f"/devices/{DEVICE}")
    assert "Nobody would be told of an alarm" in page.words
    assert "e-mail: is not verified yet." in page.words


@pytest.mark.parametrize("referrer", ["http://[", "HERE//[", "HERE//evil.example.net/"])
async def test_a_page_that_is_no_address_is_led_back_to_the_first(house: PortalHouse, referrer: str) -> None:
    visitor = await own(house)
    form = (await visitor.open("/contacts")).form("/contacts").values | {"csrf": "0" * 64}
    came_from = {**FROM_OUR_PAGE, "Referer": referrer.replace("HERE", str(house.client.make_url("")).rstrip("/"))}
    page = await visitor.post("/contacts", form, came_from)
    assert (page.status, page.links[0]) == (403, "/")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [("2,5", "after 2 min 30 s"), ("90", "after 1 h 30 min"), ("60", "after 1 h"), ("5", "after 5 min")],
)
async def test_a_sockets_page_says_exactly_after_what_time_somebody_is_told(
    house: PortalHouse, minutes: str, said: str
) -> None:
    visitor = await own(house)
    (me,) = await house.records.find(Contact)
    typed = {"step.0.contact": me.id, "step.0.after": minutes}
    await visitor.send(await visitor.open("/ladder"), "/ladder", **typed)
    assert f"e-mail {said};" in (await visitor.open(f"/devices/{DEVICE}")).words


async def test_no_crowd_of_alarms_that_were_taken_hides_from_the_overview_one_that_was_not(house: PortalHouse) -> None:
    visitor = await own(house)
    await raise_alarm(house)
    taken = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_at": house.clock.now()}
    for number in range(MOST_TROUBLES):
        await raise_alarm(house, f"inc_{number}", opened_at=house.clock.now() + timedelta(seconds=number + 1), **taken)
    page = await visitor.open("/")
    assert page.form(f"/incidents/{INCIDENT}/ack")
    assert "There are more" not in page.words
    await raise_alarm(house, "inc_more", **taken)
    page = await visitor.open("/")
    assert page.form(f"/incidents/{INCIDENT}/ack")
    assert "There are more than the newest ones" in page.words
    assert "/incidents?state=open" in page.links


async def test_the_overview_warns_while_everybody_sleeps_through_critical_alarms(house: PortalHouse) -> None:
    visitor = await own(house)
    hours = {"start": "00:00", "end": "23:59", "except_critical": False}
    await house.records.change_all(Contact, quiet_hours=hours)
    words = (await visitor.open("/")).words
    assert "Nobody would be told now of an alarm at Summer house" in " ".join(words.split())
    assert "everybody has quiet hours" in words
    assert "All is well" not in words


async def test_the_overview_shows_an_alarm_that_reached_nobody_until_it_was_seen(house: PortalHouse) -> None:
    visitor = await own(house)
    await hear(house, relay=True)
    await raise_alarm(house, state=IncidentState.CLOSED, closed_at=house.clock.now())
    incident = (await house.records.find(Incident))[0]
    await house.records.add(unheard_of(incident, "nobody_reached", house.clock.now()))
    page = await visitor.open("/")
    assert "This alarm reached nobody: Mains power is out" in page.words
    assert "All is well" not in page.words
    await house.records.add(unheard_of(incident, "not_acknowledged", house.clock.now() + timedelta(hours=1)))
    page = await visitor.open("/")
    assert "Nobody has answered this alarm: Mains power is out" in page.words
    after = await visitor.send(page, f"/unheard/{INCIDENT}/seen")
    assert "this alarm" not in after.words.lower()
    assert "All is well" in after.words


@pytest.mark.parametrize("query", ["state=strange", "colour=red", "state=open&state=closed", "cursor=nonsense"])
async def test_a_filter_of_incidents_that_there_is_not_is_refused_and_not_passed_over(
    house: PortalHouse, query: str
) -> None:
    visitor = await signed_in(house, MAIJA)
    assert (await visitor.open(f"/incidents?{query}")).status == 422
    assert (await visitor.open("/incidents?state=all&said=acknowledged")).status == 200


async def test_while_we_hear_no_socket_none_is_said_to_be_online_and_all_is_not_well(house: PortalHouse) -> None:
    visitor = await own(house)
    await hear(house, mains=True)
    now = house.clock.now()
    await house.records.add(Listening(id=BRIDGE, since=now, until=now))
    heard = (await visitor.open("/")).words
    assert ("Online" in heard, "Offline" in heard) == (True, False)
    await house.clock.advance(30)  # the broker died: nothing is heard, and nothing says that a socket has gone
    unheard = (await visitor.open("/")).words
    assert ("Online" in unheard, "Offline" in unheard, "All is well" in unheard) == (False, True, False)
    await house.records.change_one(Listening, is_("id", BRIDGE), until=house.clock.now())
    assert "Online" in (await visitor.open("/")).words


async def test_a_link_is_not_called_bad_where_only_the_password_was_and_the_page_is_loaded_anew(
    house: PortalHouse,
) -> None:
    visitor = Visitor(house.client)
    await house.ask("POST", "/accounts", {"username": MAIJA, "password": PASSWORD})
    for path in ("/activate", "/reset"):
        token = await house.link_token(MAIJA)
        weak = await visitor.send(await visitor.open(f"{path}?token={token}"), path, password="short")
        assert f'data-live-from="{path}?token={token}"' in weak.html
        again = await visitor.open(f"{path}?token={token}")
        await visitor.send(again, path, password=PASSWORD)
        await house.ask("POST", "/password-resets", {"username": MAIJA})
    assert (await visitor.sign_in(MAIJA)).path == "/"


async def test_what_cannot_be_done_is_said_without_the_name_of_a_header(house: PortalHouse) -> None:
    answer = await house.client.put("/login", headers={"Accept": "text/html", **FROM_OUR_PAGE})
    page = await answer.text()
    assert (answer.status, "This cannot be done here.</p>" in page) == (405, True)
