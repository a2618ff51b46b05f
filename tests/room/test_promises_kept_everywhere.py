"""Promises that no single room keeps: what must be true of every page, answer, message and setting."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from isocket.app.settings import Settings
from isocket.domain.accounts import Account, Registration
from isocket.domain.consents import Consent
from isocket.domain.handling import Category, Export, Keep
from isocket.domain.inventory import Subject, inventory
from isocket.domain.policies import policies
from isocket.kit.clock import EPOCH
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.home_assistant import HomeMade
from portal_api.limits import Rate
from portal_api.pages_routes import page_routes
from portal_api.routes import AnyRoute
from privacy.exporting import Copier
from privacy.retention import LIVES, Retention
from tests.fakes.alert_house import AlertHouse
from tests.fakes.erasing_house import CONTROLLER, erasing_house, furnish, in_memory
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, PEKKA, owned
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse, portal_house

HOME = Path(__file__).parents[2]
ROOMS = ("isocket", "alerts", "broker_bridge", "portal_api", "privacy")
EVERY: tuple[AnyRoute, ...] = (*ROUTES, *DEVICE_ROUTES)
TEN_YEARS_S = 10 * 366 * 86_400
_MAIL = re.compile(r"[\w.+\-]+@([a-z0-9][\w\-]*(?:\.[\w\-]+)*\.[a-z]{2,})", re.ASCII | re.IGNORECASE)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    pages = [each for each in page_routes(desk=False) if each not in ALL_ROUTES]
    async with portal_house(records=records, keyring=keyring, routes=(*ALL_ROUTES, *pages)) as running:
        yield running


def sources() -> list[tuple[str, str]]:
    """Return every module of ours, with where it is."""
    paths = (each for room in ROOMS for each in (HOME / room).rglob("*.py"))
    return [(str(each.relative_to(HOME)), each.read_text()) for each in paths]


@pytest.mark.clause("P-02")
def test_every_kind_of_person_is_found_in_the_inventory() -> None:
    found = {subject for entry in inventory() for subject in entry.subjects}
    assert {each.value for each in Subject} <= found


@pytest.mark.clause("P-04")
def test_what_a_socket_reports_is_its_customers_to_take_along() -> None:
    reported = [each for each in inventory() if each.collection == "telemetry"]
    assert len(reported) > 15
    assert all(each.export == Export.PORTABLE and "customers" in each.subjects for each in reported)


@pytest.mark.clause("C5-06")
def test_what_names_a_person_or_was_said_to_one_is_sealed() -> None:
    naming = {
        Category.NAME.value, Category.MAIL_ADDRESS.value, Category.PHONE_NUMBER.value,
        Category.MACHINE_ADDRESS.value, Category.WORDS.value, Category.MESSAGE.value,
    }  # fmt: skip
    open_ones = {
        f"{each.collection}.{each.field}" for each in inventory() if each.category in naming and not each.sealed
    }
    hashed = {"archives.holder"}  # a keyed hash of a mailbox, as which it can be asked for and not read
    assert open_ones - hashed == set()


@pytest.mark.clause("C6-01")
def test_every_personal_field_has_a_rule_how_long_that_somebody_carries_out() -> None:
    by_event = {Keep.ACCOUNT, Keep.RELATION, Keep.UNTIL_USED, Keep.COMES_BACK, Keep.CONSENT}
    assert {each.keep for each in inventory() if each.personal} <= {each.value for each in Keep}
    assert by_event.isdisjoint(LIVES)


@pytest.mark.clause("C6-04")
async def test_an_account_that_lives_is_kept_however_long_it_is_not_used(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.clock.advance(TEN_YEARS_S)
    await Retention(records=ground.records, clock=ground.clock).sweep()
    account = await ground.records.get(Account, "acc_maija0000000000000000")
    assert account is not None
    assert (account.email, account.name) == (MAIJA, "Maija Meikalainen")


@pytest.mark.clause("C2-30")
@pytest.mark.clause("C7-11")
async def test_nobody_is_rated_and_the_notice_says_that_no_program_decides(house: PortalHouse) -> None:
    rating = re.compile(r"score|rating|profil|churn|risk")
    assert [each.field for each in inventory() if rating.search(each.field)] == []
    told = await (await house.ask("GET", "/privacy/notice")).json()
    assert told["automated_decisions"].startswith("None")


@pytest.mark.clause("C8-08")
@pytest.mark.clause("C4-03")
def test_nothing_of_social_networks_is_kept_or_asked_for() -> None:
    social = re.compile(r"facebook|twitter|linkedin|instagram|google|youtube|social")
    assert [each.field for each in inventory() if social.search(each.field)] == []
    assert [each.path for each in EVERY if social.search(each.path)] == []


@pytest.mark.clause("C1-20")
async def test_a_mail_loads_nothing_from_elsewhere_and_its_links_are_ours() -> None:
    alerts = await AlertHouse().furnish()
    await alerts.incident()
    await alerts.escalate()
    pages = [each.html for each in await alerts.deliveries() if each.html]
    assert pages
    for page in pages:
        assert re.search(r"(?i)<(?:img|script|iframe|link|object)\b|background|@import", page) is None
        assert all(link.startswith("https://cloud.example.org/") for link in re.findall(r'href="([^"]+)"', page))


@pytest.mark.clause("C1-21")
async def test_whatever_may_be_left_out_is_left_out_and_the_account_opens(house: PortalHouse) -> None:
    asked = await house.ask("POST", "/accounts", {"username": MAIJA, "password": PASSWORD})
    assert asked.status == 202
    opened = await house.ask("POST", "/accounts/activate", {"token": await house.link_token(MAIJA)})
    account = await house.account(MAIJA)
    assert (opened.status, account.name) == (200, "")


@pytest.mark.clause("P-03")
async def test_a_link_in_a_mail_leads_to_our_own_address_whatever_the_request_called_us(house: PortalHouse) -> None:
    await house.register(MAIJA)
    for host in ("evil.example.net", "evil.example.net:80", "cloud.example.org.evil.example.net"):
        headers = {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}"}
        await house.ask("POST", "/password-resets", {"username": MAIJA}, headers=headers)
    links = [link for each in await house.mails(MAIJA) for link in re.findall(r"https?://\S+", each.text)]
    assert len(links) >= 3
    assert all(link.startswith(f"{PUBLIC_URL}/") for link in links)


@pytest.mark.clause("C5-12")
async def test_a_password_is_nowhere_once_it_was_typed(house: PortalHouse) -> None:
    canary = "seven-velvet-lanterns-94"
    await house.register(PEKKA, canary)
    await house.sign_in(PEKKA, canary)
    account = await house.account(PEKKA)
    assert canary not in account.password_hash
    for kind in (Account, Registration):
        assert canary not in repr(await house.records.find(kind))
    assert not any(canary in each.text for each in await house.mails(PEKKA))


@pytest.mark.clause("C5-13")
def test_no_answer_holds_a_password_and_none_is_chosen_for_somebody_else() -> None:
    a_programs_own = {HomeMade}  # chance that we made for a home at the broker, shown once; nobody chose it
    for route in EVERY:
        for model in route.answers.values():
            if model is not None and model not in a_programs_own:
                assert not re.search(r'"[a-z_]*password[a-z_]*": \{', json.dumps(model.model_json_schema()))
        if "/staff" in route.path and route.body is not None:
            assert "password" not in route.body.model_json_schema()["properties"]


@pytest.mark.clause("C5-08")
def test_the_certificates_of_others_are_always_checked() -> None:
    off = re.compile(
        r"ssl\s*=\s*False|verify\s*=\s*False|verify_ssl|CERT_NONE|check_hostname\s*=\s*False|_create_unverified"
    )
    assert [where for where, text in sources() if off.search(text)] == []
    assert [name for name in Settings.model_fields if re.search(r"insecure|verify|trust_all", name)] == []


@pytest.mark.clause("C5-17")
async def test_whoever_finds_a_hole_reads_where_to_tell_and_the_word_is_not_too_old(house: PortalHouse) -> None:
    answer = await house.client.get("/.well-known/security.txt")
    said = dict(line.partition(": ")[::2] for line in (await answer.text()).splitlines())
    assert said["Contact"].startswith("mailto:")
    assert EPOCH < house.clock.now() < datetime.fromisoformat(said["Expires"])


@pytest.mark.clause("C2-23")
@pytest.mark.clause("C2-22")
async def test_nobody_is_shut_out_for_ever_by_a_limit(house: PortalHouse) -> None:
    rate = Rate(name="trial", tries=3, per_s=60)
    for _ in range(50):
        await house.portal.limits.take(rate, "somebody")
    assert await house.portal.limits.take(rate, "somebody") > 0
    await house.clock.advance(60)
    assert await house.portal.limits.take(rate, "somebody") == 0


@pytest.mark.clause("C8-07")
async def test_figures_name_nobody(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("GET", "/devices/is0000000001", token=token)
    text = await (await house.client.get("/metrics")).text()
    assert "/api/v1/devices/{device_id}" in text
    for value in (MAIJA, "is0000000001", (await house.account(MAIJA)).id, "127.0.0.1"):
        assert value not in text


@pytest.mark.clause("C7-03")
async def test_the_profile_shows_the_same_as_the_copy_of_ones_data(tmp_path: Path) -> None:
    async def silent(_: int) -> None:
        return None

    async with erasing_house(tmp_path) as (house, ground):
        token = await house.customer(MAIJA, name="Maija", language="fi", time_zone="Europe/Helsinki")
        shown = await (await house.ask("GET", "/me", token=token)).json()
        written = io.BytesIO()
        copier = Copier(records=ground.records, telemetry=ground.telemetry, controller=CONTROLLER)
        await copier.copy(await house.account(MAIJA), written, ground.clock.now(), silent)
    with zipfile.ZipFile(written) as archive:
        (copied,) = json.loads(archive.read("data/accounts.json"))["items"]
    assert (copied["email"], copied["name"], copied["time_zone"]) == (MAIJA, "Maija", "Europe/Helsinki")
    assert {name: value for name, value in shown.items() if name in copied} == {
        name: value for name, value in copied.items() if name in shown
    }


@pytest.mark.clause("C9-01")
async def test_one_version_of_the_policy_holds_for_everybody_everywhere(house: PortalHouse) -> None:
    pages = {
        await (await house.client.get("/policy", headers={"Accept-Language": language})).text()
        for language in ("fi", "sv-FI", "de-AT", "en-US", "ja")
    }
    assert len(pages) == 1
    assert policies()[0].digest in pages.pop()


@pytest.mark.clause("C9-07")
async def test_a_consent_says_under_which_version_of_the_policy_it_was_given(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    (line,) = await house.records.find(Consent)
    held = [each for each in policies() if each.effective_at <= line.at]
    assert line.policy_version == held[-1].version


@pytest.mark.clause("C2-21")
def test_tests_hold_only_names_and_numbers_that_belong_to_nobody() -> None:
    reserved = re.compile(r"(?:^|\.)(?:example\.(?:org|com|net)|example|test|localhost|local|invalid)$", re.IGNORECASE)
    found = [path for path in (HOME / "tests").rglob("*.py") if path.name != Path(__file__).name]
    strange = {
        f"{path.name}: {domain}" for path in found for domain in _MAIL.findall(path.read_text())
        if not reserved.search(domain)
    }  # fmt: skip
    assert len(found) > 100
    assert strange == set()
