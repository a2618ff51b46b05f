"""A cookie, log key, form field, reported field or field for a provider that nobody declared fails here."""

import ast
import re
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.channels.channel import Message
from alerts.channels.mail_text import parse_mailbox, parse_sender, write_mail
from alerts.channels.twilio_sms import TwilioSms
from broker_bridge.wire import AlarmWire, StateWire
from isocket.domain import STORED
from isocket.domain.collected import COOKIE_NAMES, FORM_FIELDS, LOG_KEYS, OUTGOING, TAB_NOTES, TELEMETRY
from isocket.domain.handling import Handling
from isocket.domain.inventory import inventory, subjects_of
from isocket.domain.record import handling_of
from isocket.storage.table import COLUMNS
from portal_api.security_headers import security_headers
from tests.fakes.clock import ManualClock

HOME = Path(__file__).parents[3]
ROOMS = ("isocket", "alerts", "broker_bridge", "portal_api", "privacy")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "bind"}
_STORES = re.compile(r"\b(?:(?:session|local)Storage|indexedDB|caches|cookieStore|document\.cookie)\b(?:\.\w+\(\w+)?")
_INPUT = re.compile(r"<(?:input|select|textarea)\b[^>]*?\bname=\"([a-z_]+)\"")


def log_keys() -> Iterator[tuple[str, str]]:
    """Yield every key by which anything is logged in the source, with where."""
    for path in (each for room in ROOMS for each in (HOME / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                yield from ((word.arg, str(path.relative_to(HOME))) for word in node.keywords if word.arg)


def test_every_key_of_a_log_line_is_declared() -> None:
    found = set(log_keys())
    assert len(found) > 100
    assert {(key, where) for key, where in found if key not in LOG_KEYS} == set()


@pytest.mark.clause("C1-07")
def test_every_field_of_a_form_is_declared_with_its_reason() -> None:
    pages = (HOME / "portal_api" / "templates").glob("*.html")
    found = {(name, page.name) for page in pages for name in _INPUT.findall(page.read_text())}
    assert len(found) > 8
    assert {(name, page) for name, page in found if name not in FORM_FIELDS} == set()


@pytest.mark.clause("C8-05")
@pytest.mark.clause("C8-01")
async def test_a_cookie_that_nobody_declared_does_not_leave_the_house() -> None:
    async def answer(_: web.Request) -> web.Response:
        made = web.Response()
        made.set_cookie("sid", "opaque")
        made.set_cookie("tracker", "you-again")
        return made

    app = web.Application()
    app.on_response_prepare.append(security_headers(https=False))
    app.router.add_get("/", answer)
    async with TestClient(TestServer(app)) as client:
        got = (await client.get("/")).headers.getall("Set-Cookie")
    assert [each.partition("=")[0] for each in got] == ["sid"]
    assert set(COOKIE_NAMES) == {"sid", "__Host-sid"}


@pytest.mark.clause("C8-04")
def test_what_a_page_notes_in_a_browser_is_declared_and_in_its_tab_alone() -> None:
    scripts = {each.name: each.read_text() for each in (HOME / "portal_api" / "static").glob("*.js")}
    found = {(name, use) for name, text in scripts.items() for use in _STORES.findall(text)}
    assert found == {("kept.js", f"sessionStorage.{verb}Item(KEY") for verb in ("get", "set", "remove")}
    assert re.findall(r'^const KEY = "(\w+)";$', scripts["kept.js"], re.MULTILINE) == [each.key for each in TAB_NOTES]


def test_every_field_that_a_socket_reports_is_in_the_inventory() -> None:
    reported = {*StateWire.__annotations__, *AlarmWire.__annotations__} - {"__pydantic_config__"}
    assert set(TELEMETRY) == reported
    assert {each.field for each in inventory() if each.collection == "telemetry"} == reported


def test_every_field_that_a_socket_reports_is_a_column_of_the_table_in_a_copy() -> None:
    assert set(TELEMETRY) <= set(COLUMNS), "isocket/storage/table.py"


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.collection)
def test_every_class_with_a_persons_values_says_whose_they_are(kind: type) -> None:
    sealed = [name for name, how in handling_of(kind).items() if isinstance(how, Handling) and how.sealed]
    assert subjects_of(kind) or not sealed


@pytest.mark.clause("C2-17")
def test_a_text_carries_nothing_to_the_provider_that_is_not_declared() -> None:
    channel = TwilioSms(
        account_sid="AC" + "0" * 32,
        auth_token="a token",
        sender="iSocket",
        base_url=None,
        status_callback=lambda attempt: f"https://cloud.example.org/{attempt}",
        retention_minimised=True,
    )
    sent = channel._fields(Message(attempt_id="att_1", to="+447700900001", subject="", text="x"))
    declared = {each.lower() for each in OUTGOING["sms"].fields}
    assert {name.replace("_", "").lower() for name in sent} <= declared


@pytest.mark.clause("C2-17")
@pytest.mark.parametrize(
    ("module", "name", "way"), [("twilio_voice", "fields", "voice"), ("elks_sms", "form", "sms by 46elks")]
)
def test_what_is_handed_to_a_provider_carries_nothing_that_is_not_declared(module: str, name: str, way: str) -> None:
    source = ast.parse((HOME / "alerts" / "channels" / f"{module}.py").read_text())
    (fields,) = [
        each.value
        for each in ast.walk(source)
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and each.targets[0].id == name
    ]
    assert isinstance(fields, ast.Dict)
    names = {str(key.value).replace("_", "").lower() for key in fields.keys if isinstance(key, ast.Constant)}
    assert names
    assert names <= {each.lower() for each in OUTGOING[way].fields}


@pytest.mark.clause("C2-17")
def test_a_mail_carries_no_header_that_is_not_declared() -> None:
    to = parse_mailbox("anna@example.org")
    message = Message(
        attempt_id="att_1", to="anna@example.org", subject="s", text="t", html="<p>t</p>",
        unsubscribe_url="https://cloud.example.org/u",
    )  # fmt: skip
    sender = parse_sender("iSocket <no-reply@example.org>")
    _, raw = write_mail(message, sender=sender, to=to, date=ManualClock().now())
    assert set(message_from_bytes(raw)) <= set(OUTGOING["email"].fields)
