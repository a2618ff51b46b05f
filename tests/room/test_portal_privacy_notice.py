"""Anybody can read what is done with personal data, without signing in."""

from dataclasses import replace

import pytest

from isocket.domain.collected import OUTGOING
from isocket.domain.inventory import inventory
from isocket.domain.processing import Controller
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.portal_house import portal_house

CONTROLLER = Controller(name="Example Ltd", contact="mailto:privacy@example.org", sms_country="IE", mail_country="FI")


@pytest.mark.clause("C7-01")
async def test_the_notice_tells_customers_and_alarm_recipients_what_is_done_and_who_answers() -> None:
    async with portal_house(controller=CONTROLLER) as house:
        answer = await house.ask("GET", "/privacy/notice")
        told = await answer.json()
    assert answer.status == 200
    assert (told["controller"], told["contact"]) == ("Example Ltd", "mailto:privacy@example.org")
    alerts = [each for each in told["for_alarm_recipients"] if each["purpose"] == "alerts"]
    inside = {"who": "SMS and voice provider", "country": "IE", "safeguard": ""}
    assert inside in [to for each in alerts for to in each["recipients"]]
    assert "telephone number" in [name for each in alerts for name in each["categories"]]
    assert "service" in [each["purpose"] for each in told["for_customers"]]
    assert "customer" in told["source_of_alarm_recipients"]
    assert [each["name"] for each in told["cookies"]] == ["__Host-sid", "sid"]
    assert [each["key"] for each in told["tab_notes"]] == ["typed"]


@pytest.mark.clause("C3-10")
async def test_the_notice_says_by_what_it_is_covered_that_numbers_leave_the_eea() -> None:
    away = replace(CONTROLLER, sms_country="US", safeguard="EU-US Data Privacy Framework")
    async with portal_house(controller=away) as house:
        told = await (await house.ask("GET", "/privacy/notice")).json()
    found = {(to["country"], to["safeguard"]) for each in told["for_alarm_recipients"] for to in each["recipients"]}
    assert ("US", "EU-US Data Privacy Framework") in found
    assert ("FI", "") in found


@pytest.mark.clause("C1-06")
async def test_the_inventory_shows_every_stored_field() -> None:
    async with portal_house() as house:
        shown = await (await house.ask("GET", "/privacy/inventory")).json()
    assert [(each["collection"], each["field"]) for each in shown["fields"]] == [
        (each.collection, each.field) for each in inventory()
    ]
    assert {each["way"] for each in shown["outgoing"]} == set(OUTGOING)
    assert "device_id" in shown["log_keys"]
    assert "password" in shown["forms"]


@pytest.mark.clause("C2-16")
@pytest.mark.clause("C7-01")
async def test_the_notice_says_that_customers_are_counted_and_may_object() -> None:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as house:
        told = await (await house.ask("GET", "/privacy/notice")).json()
        page = await (await house.client.get("/privacy/notice")).text()
    assert "object" in told["figures"]
    assert told["figures"] in page
