"""Everybody can read who was given what about them, when and why."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from privacy.exporting import Copier
from tests.fakes.erasing_house import CONTROLLER, Ground, erasing_house
from tests.fakes.portal_devices import MAIJA, PEKKA, PHONE, enter, owned
from tests.fakes.portal_house import PASSWORD, PortalHouse

Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


async def sent(house: PortalHouse, account_id: str, number: int, person_id: str, **more: Any) -> None:
    """Store that a message was handed to a provider."""
    await house.clock.advance(1)
    now = house.clock.now()
    channel = more.pop("channel", ChannelKind.SMS)
    kind = more.pop("kind", DeliveryKind.ALARM)
    letter = Delivery(
        id=f"dlv_{number}", account_id=account_id, person_id=person_id, kind=kind, channel=channel, address=PHONE,
        text="Cabin: mains power is out", created_at=now, due_at=now,
    )  # fmt: skip
    attempt = Attempt(
        id=f"att_{number}", delivery_id=letter.id, account_id=account_id, person_id=person_id, number=1,
        provider=more.pop("provider", "twilio"), started_at=now,
    )  # fmt: skip
    await house.records.add_all([letter, attempt])


async def looked(house: PortalHouse, account_id: str, **more: Any) -> Disclosure:
    """Store that somebody of our staff looked."""
    await house.clock.advance(1)
    line = noted(
        account_id, to=DisclosedTo.STAFF, what=("devices", "incidents"), purpose=Purpose.SERVICE,
        basis=Basis.CONTRACT, at=house.clock.now(), reason="You asked why no text came", recipient_id="acc_staff",
        **more,
    )  # fmt: skip
    await house.records.add(line)
    return line


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def copied(ground: Ground, account_id: str) -> dict[str, bytes]:
    account = await ground.records.get(Account, account_id)
    assert account is not None

    async def silent(_: int) -> None:
        return None

    written = io.BytesIO()
    copier = Copier(records=ground.records, telemetry=ground.telemetry, controller=CONTROLLER)
    await copier.copy(account, written, ground.clock.now(), silent)
    return opened(written.getvalue())


async def ledger(house: PortalHouse, token: str, query: str = "", expect: int = 200) -> dict[str, Any]:
    answer = await house.ask("GET", f"/privacy/disclosures{query}", token=token)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


@pytest.mark.clause("C3-01")
async def test_messages_and_looks_are_told_with_who_what_when_and_why(houses: Houses) -> None:
    house, _ = houses
    token = await owned(house)
    maija = (await house.account(MAIJA)).id
    contact = await enter(house, token, phone=PHONE)
    await sent(house, maija, 1, contact["id"])
    await sent(house, maija, 2, maija, kind=DeliveryKind.RESET, channel=ChannelKind.EMAIL, provider="smtp")
    await looked(house, maija)
    items = (await ledger(house, token))["items"]
    assert [(each["to"], each["recipient"], each["kind"], each["about"]) for each in items] == [
        ("our staff", "acc_staff", "", maija),
        ("mail server", "smtp", "reset", maija),
        ("SMS and voice provider", "twilio", "alarm", contact["id"]),
    ]
    assert [each["what"] for each in items] == [["devices", "incidents"], ["To", "Subject", "body"], ["To", "Body"]]
    assert items[0]["reason"] == "You asked why no text came"
    assert [(each["purpose"], each["basis"]) for each in items] == [
        ("service", "art6_1_b"), ("security", "art6_1_b"), ("alerts", "art6_1_b"),
    ]  # fmt: skip
    assert items[2]["at"] < items[1]["at"] < items[0]["at"]


async def test_pages_of_both_kinds_of_lines_follow_each_other_without_gap_or_repetition(houses: Houses) -> None:
    house, _ = houses
    token = await owned(house)
    maija = (await house.account(MAIJA)).id
    for number in range(1, 8):
        await sent(house, maija, number, maija)
        await looked(house, maija)
    seen, cursor = [], ""
    while True:
        page = await ledger(house, token, f"?limit=3{cursor}")
        seen += [each["at"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 14
    assert seen == sorted(seen, reverse=True)
    await ledger(house, token, "?cursor=nonsense", expect=422)


@pytest.mark.clause("C7-04")
async def test_nobody_reads_the_ledger_of_another(houses: Houses) -> None:
    house, _ = houses
    token = await owned(house)
    contact = await enter(house, token, phone=PHONE)
    maija = (await house.account(MAIJA)).id
    await sent(house, maija, 1, contact["id"])
    stranger = await house.customer(PEKKA)
    assert (await ledger(house, stranger))["items"] == []
    await ledger(house, stranger, f"?contact_id={contact['id']}", expect=404)
    await ledger(house, stranger, "?contact_id=con_nothing", expect=404)
    await sent(house, maija, 2, maija)
    of_contact = (await ledger(house, token, f"?contact_id={contact['id']}"))["items"]
    assert [each["id"] for each in of_contact] == ["att_1"]


@pytest.mark.clause("C2-27")
async def test_what_an_authority_forbids_to_tell_is_told_when_that_is_over_and_in_no_copy_before(
    houses: Houses,
) -> None:
    house, ground = houses
    token = await owned(house)
    maija = (await house.account(MAIJA)).id
    await looked(house, maija, silent_until=house.clock.now() + timedelta(days=30))
    assert (await ledger(house, token))["items"] == []
    inside = await copied(ground, maija)
    assert b"acc_staff" not in b"".join(inside.values())
    await house.clock.advance(31 * 86_400)
    token = (await house.sign_in(MAIJA))["access_token"]
    assert [each["recipient"] for each in (await ledger(house, token))["items"]] == ["acc_staff"]


@pytest.mark.clause("C3-01")
async def test_the_copy_of_ones_data_holds_the_ledger_and_having_fetched_it_is_in_the_ledger(houses: Houses) -> None:
    house, ground = houses
    token = await owned(house)
    maija = (await house.account(MAIJA)).id
    await sent(house, maija, 1, maija)
    await looked(house, maija)
    asked = await (await house.ask("POST", "/privacy/exports", {"password": PASSWORD}, token=token)).json()
    await ground.exporter().round()
    for _ in range(2):
        got = await house.ask("GET", f"/privacy/exports/{asked['id']}/download", token=token)
        inside = opened(await got.read())
    rows = list(csv.DictReader(io.StringIO(inside["disclosures.csv"].decode())))
    assert [(row["to"], row["what"], row["reason"]) for row in rows] == [
        ("our staff", "devices, incidents", "You asked why no text came"),
        ("SMS and voice provider", "To, Body", ""),
    ]
    index = inside["index.html"].decode()
    assert "Who was given something" in index
    assert "twilio" in index
    fetched = [each for each in (await ledger(house, token))["items"] if each["to"] == "you yourself, as a copy"]
    assert len(fetched) == 1, "one line a copy, however often it is fetched"


async def test_a_reason_that_looks_like_a_formula_is_none_in_the_table(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    maija = (await house.account(MAIJA)).id
    line = noted(
        maija, to=DisclosedTo.STAFF, what=("devices",), purpose=Purpose.SERVICE, basis=Basis.CONTRACT,
        at=house.clock.now(), reason='=HYPERLINK("https://evil.example.org")',
    )  # fmt: skip
    await house.records.add(line)
    table = (await copied(ground, maija))["disclosures.csv"].decode()
    assert next(csv.DictReader(io.StringIO(table)))["reason"].startswith("'=")
