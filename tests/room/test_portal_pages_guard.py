"""What no page may do: take a form from elsewhere, run a script of its own text, show somebody's words as code."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import portal_api
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.problems import Problem
from isocket.domain.replays import Replay, ReplayState
from isocket.domain.settings import PartKind, part_names_text
from isocket.domain.shares import Share, ShareRole
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_desk import desk_routes
from portal_api.pages_routes import PAGE_ROUTES, page_routes
from portal_api.routes import Access, AnyRoute, Surface
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import FROM_OUR_PAGE, Page, Visitor, signed_in

FOLDER = Path(portal_api.__file__).parent
MAIJA = "maija@example.org"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
NAMES = {
    "device_id": "is00000001",
    "incident_id": "inc_1",
    "contact_id": "con_1",
    "substitution_id": "sub_1",
    "endpoint_id": "end_1",
    "session_id": "ses_1",
    "passkey_id": "pky_1",
    "replay_id": "rep_1",
    "old_version": "1",
    "request_id": "rrq_1",
    "hold_id": "hld_1",
    "case_id": "cas_1",
    "breach_id": "bre_1",
    "policy_version": "1",
    "token_id": "tok_1",
    "share_id": "shr_1",
    "home_id": "home_1",
}
FORMS = tuple(each for each in PAGE_ROUTES if each.method == "POST" and each.access is not Access.STAFF)
PAGES = tuple(each for each in (*PAGE_ROUTES, *desk_routes()) if each.method == "GET")
MOST_LINES = 300
TEMPLATES = pytest.mark.parametrize("file", sorted((FOLDER / "templates").glob("*.html")), ids=lambda each: each.name)
WITH_PAGES = (*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=True))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES) as running:
        yield running


@pytest.fixture
async def visitor(house: PortalHouse) -> Visitor:
    """Somebody all of whose words are hostile."""
    visitor = await signed_in(house, MAIJA, name=HOSTILE[:60])
    account, now = await house.account(MAIJA), house.clock.now()
    await house.records.add_all(
        [
            Device(
                id=NAMES["device_id"],
                model="isocket-4g",
                secret_hash="x",
                claim_hash="x",
                provisioned_at=now,
                owner_id=account.id,
                name=HOSTILE,
                place=HOSTILE,
                part_names=part_names_text({PartKind.PROBE: [HOSTILE]}),
            ),
            Incident(
                id=NAMES["incident_id"],
                account_id=account.id,
                device_id=NAMES["device_id"],
                cause=Cause.TEMP_LOW,
                probe=0,
                severity=Severity.CRITICAL,
                opened_at=now,
                detected_at=now,
            ),
            Contact(
                id=NAMES["contact_id"],
                account_id=account.id,
                name=HOSTILE,
                phone=HOSTILE,
                email=HOSTILE,
                created_at=now,
            ),
            Endpoint(
                id=NAMES["endpoint_id"],
                account_id=account.id,
                contact_id=NAMES["contact_id"],
                kind=ChannelKind.WEBHOOK,
                address=HOSTILE,
                label=HOSTILE,
                created_at=now,
            ),
            Replay(
                id=NAMES["replay_id"],
                account_id=account.id,
                device_id=NAMES["device_id"],
                start_at=now,
                end_at=now,
                settings={},
                created_at=now,
                state=ReplayState.FAILED,
                error=HOSTILE,
            ),
            Share(
                id=NAMES["share_id"],
                device_id=NAMES["device_id"],
                owner_id=account.id,
                email=HOSTILE,
                role=ShareRole.VIEWER,
                created_at=now,
            ),
            Problem(
                id="prb_1", device_id=NAMES["device_id"], at=now, topic_kind="state", reason=HOSTILE, field=HOSTILE
            ),
        ]
    )
    return visitor


def name_of(route: AnyRoute) -> str:
    return f"{route.method} {route.path}"


def path_of(route: AnyRoute) -> str:
    return str(route.path).format(**NAMES)


@pytest.mark.parametrize("route", FORMS, ids=name_of)
async def test_a_form_of_somebody_signed_in_needs_the_token_of_the_page(visitor: Visitor, route: AnyRoute) -> None:
    for token in ({}, {"csrf": "0" * 64}):
        page = await visitor.post(path_of(route), token)
        assert (page.status, "out of date" in page.words) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example.net"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["none", "foreign", "null", "cross-site"],
)
async def test_a_form_from_another_site_is_refused_whichever_it_is(
    visitor: Visitor, house: PortalHouse, headers: dict[str, str]
) -> None:
    token = (await visitor.open("/")).form("/sign-out").values
    answers = {name_of(route): await visitor.post(path_of(route), token, headers) for route in FORMS}
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 403)
    incident = await house.records.get(Incident, NAMES["incident_id"])
    assert incident is not None
    assert incident.state is IncidentState.OPEN


@pytest.mark.parametrize("route", [each for each in PAGE_ROUTES if each.access is Access.ACCOUNT], ids=name_of)
async def test_a_page_about_an_account_needs_somebody_signed_in(house: PortalHouse, route: AnyRoute) -> None:
    answer = await house.client.request(
        route.method, path_of(route), headers=FROM_OUR_PAGE, allow_redirects=False, data=b""
    )
    assert answer.status == (303 if route.method == "GET" else 401)


@pytest.mark.parametrize("route", PAGES, ids=name_of)
async def test_no_page_has_script_or_style_in_its_text_or_comes_from_elsewhere(
    visitor: Visitor, route: AnyRoute
) -> None:
    page = await visitor.open(path_of(route))
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert not [each for each in page.tags if each[0] in {"style", "iframe", "img", "object", "base"}]
    assert all(said.get("src", "").startswith("/static/") for tag, said in page.tags if tag == "script")
    for _, said in page.tags:
        assert not [name for name in said if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert name not in said or re.match(r"(/(?!/)|#)", said[name]), said


@pytest.mark.parametrize("route", PAGES, ids=name_of)
async def test_a_page_keeps_the_origin_of_its_forms_and_tells_other_sites_nothing(
    visitor: Visitor, route: AnyRoute
) -> None:
    page = await visitor.open(path_of(route))
    if page.status == 200:
        a_page = page.headers["Content-Type"].startswith("text/html")  # a file has no forms, and so tells even less
        assert page.headers["Referrer-Policy"] == ("same-origin" if a_page else "no-referrer")
        assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/devices/is00000001",
        "/devices/is00000001/ladder",
        "/incidents",
        "/incidents/inc_1",
        "/contacts",
        "/contacts/con_1/choices",
        "/away",
        "/ladder",
        "/profile",
    ],
)
async def test_what_people_and_sockets_say_is_shown_and_never_run(visitor: Visitor, path: str) -> None:
    page = await visitor.open(path)
    assert page.status == 200
    assert "<script>alert" not in page.html
    assert "<img" not in page.html
    assert "&lt;script&gt;alert" in page.html


async def test_what_was_typed_comes_back_as_text(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    page = await visitor.open("/register")
    page = await visitor.send(page, "/register", username=HOSTILE, password=PASSWORD, name=HOSTILE)
    assert page.status == 422
    assert page.form("/register").values["name"] == HOSTILE
    assert "<img" not in page.html


@pytest.mark.parametrize("path", ["/?said=<script>", "/contacts?said=somebody+else's+words"])
async def test_a_crafted_link_puts_no_words_on_a_page(visitor: Visitor, path: str) -> None:
    page = await visitor.open(path)
    assert not [each for each in page.tags if each[1].get("role") == "status"]


@pytest.mark.parametrize("known", [True, False])
async def test_the_pages_do_not_tell_whether_an_address_has_an_account(house: PortalHouse, known: bool) -> None:
    await house.register(MAIJA)
    visitor, who = Visitor(house.client), MAIJA if known else "new@example.org"
    asked = await visitor.send(await visitor.open("/forgotten"), "/forgotten", username=who)
    registered = await visitor.send(await visitor.open("/register"), "/register", username=who, password=PASSWORD)
    assert [_without_address(each, who) for each in (asked, registered)] == [
        (202, "If the address has an account, a mail with a link is on its way."),
        (202, "If all is well, a mail with a link is on its way."),
    ]


def _without_address(page: Page, who: str) -> tuple[int, str]:
    assert who not in page.html
    found = re.search(r"If [^.]+\.", page.words)
    assert found is not None
    return page.status, found.group()


async def test_a_command_that_is_none_is_refused_and_nothing_is_stored(visitor: Visitor, house: PortalHouse) -> None:
    from isocket.domain.commands import Command

    page = await visitor.open("/devices/is00000001")
    page = await visitor.send(page, "/devices/is00000001/commands", name="explode")
    assert page.status == 422
    assert await house.records.count(Command, is_("name", "explode")) == 0


@pytest.mark.parametrize("back", ["https://evil.example.net/", "//evil.example.net", "/\\evil.example.net"])
async def test_no_form_leads_to_another_site(visitor: Visitor, house: PortalHouse, back: str) -> None:
    token = (await visitor.open("/")).form("/sign-out").values
    for path, more in (("/devices/is00000001/commands", {"name": "on"}), ("/incidents/inc_1/ack", {})):
        sent: dict[str, Any] = {**token, **more, "back": back}
        answer = await house.client.post(path, data=sent, headers={"Origin": PUBLIC_URL}, allow_redirects=False)
        assert answer.status == 303
        assert answer.headers["Location"].partition("?")[0] == "/"


@pytest.mark.parametrize("path", sorted({each.path for each in FORMS} - {each.path for each in PAGES}))
async def test_the_address_of_a_form_leads_a_reader_to_its_page(visitor: Visitor, path: str) -> None:
    page = await visitor.open(path.format(**NAMES), headers={"Accept": "text/html"})
    assert page.status == 200
    assert page.path != path


@TEMPLATES
def test_what_is_wrong_is_tied_to_what_it_is_about(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tied = set(re.findall(r'aria-describedby="([^"]+)"', text))
    for name in re.findall(r"{{ wrong_group\(([^)]+)\) }}", text):
        tied.add(f"{name.strip(chr(34))}-more" if name.startswith('"') else f"{{{{ {name} }}}}-more")
    for ident in re.findall(r'<p class="fault"(?: id="([^"]+)")?', text):
        assert ident in tied


@TEMPLATES
def test_no_title_names_a_person(file: Path) -> None:
    title = re.search(r"{% block title %}.*?{% endblock %}", file.read_text(encoding="utf-8"))
    values = [] if title is None else re.findall(r"{{ *(.*?) *}}", title.group())
    assert set(values) <= {"title", "card.name", "name", "trouble.what"}  # of the API, a socket, an incident


@TEMPLATES
def test_no_template_switches_escaping_off(file: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape|Markup|<style|javascript:|\son\w+=", file.read_text())


@pytest.mark.parametrize("file", sorted((FOLDER / "static").iterdir()), ids=lambda each: each.name)
async def test_what_browsers_load_is_short_and_our_own(house: PortalHouse, file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert not re.search(r"licen[cs]e|copyright|https?://(?!www\.w3\.org/2000/svg)", text, re.IGNORECASE)
    answer = await house.client.get(f"/static/{file.name}")
    assert (answer.status, await answer.text()) == (200, text)
