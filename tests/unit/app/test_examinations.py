"""What the doctor finds outside: brokers, providers and our own address, each asked for real on loopback."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer, unused_port
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from alerts.elks_hooks import inbound_address
from alerts.fleet import Thresholds
from alerts.metrics import AlertMetrics
from alerts.operator import Operator
from alerts.signatures import AddressProof
from isocket.app import examinations
from isocket.app.channels import Channels
from isocket.app.examinations import Health, operator, transfers
from isocket.app.room_settings import oversight
from isocket.app.settings import Settings, load_settings
from isocket.domain.contacts import ChannelKind
from isocket.kit.clock import SystemClock
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from tests.fakes.broker import running_broker
from tests.fakes.elks_server import ElksDouble
from tests.fakes.foreign_broker import foreign_broker
from tests.fakes.patience import PATIENCE_S
from tests.fakes.smtp_server import SmtpSink

TOKEN = "the-right-token"


@pytest.fixture(autouse=True)
def _a_patient_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a slow machine: a person who types the command would type it again."""
    monkeypatch.setattr(examinations, "TIMEOUT_S", PATIENCE_S)


@pytest.fixture
async def twilio() -> AsyncIterator[str]:
    """An address where accounts are shown to whoever has the token."""

    async def show(request: web.Request) -> web.Response:
        login = BasicAuth.decode(request.headers["Authorization"])
        return web.json_response({}, status=200 if login.password == TOKEN else 401)

    app = web.Application()
    app.add_routes([web.get("/2010-04-01/Accounts/{account}", show)])
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def mail() -> AsyncIterator[SmtpSink]:
    sink = SmtpSink()
    await sink.start()
    yield sink
    await sink.stop()


def with_twilio(base_url: str, token: str = TOKEN, **more: str) -> Settings:
    return load_settings(
        {
            "ISOCKET_TWILIO_ACCOUNT_SID": "AC1",
            "ISOCKET_TWILIO_AUTH_TOKEN": token,
            "ISOCKET_TWILIO_FROM": "+447700900001",
            "ISOCKET_TWILIO_BASE_URL": base_url,
            **more,
        }
    )


def with_elks(double: ElksDouble, password: str) -> Settings:
    return load_settings(
        {
            "ISOCKET_ELKS_USERNAME": double.username,
            "ISOCKET_ELKS_PASSWORD": password,
            "ISOCKET_ELKS_FROM": "+46700000000",
            "ISOCKET_ELKS_BASE_URL": double.base_url,
        }
    )


@pytest.mark.parametrize(("password", "health"), [("", Health.GOOD), ("wrong", Health.WRONG)])
async def test_46elks_takes_our_login_or_not(password: str, health: Health) -> None:
    double = ElksDouble()
    await double.start()
    found = await examinations.elks(with_elks(double, password or double.password))
    await double.stop()
    assert found.health is health
    assert ("/hooks/46elks/inbound/" in found.says) is (health is Health.GOOD)


@pytest.mark.parametrize(
    ("ours", "health"),
    [
        ({"sms_url": "{ours}"}, Health.GOOD),
        ({"sms_url": "https://old.example.org/hooks/46elks/inbound/of-the-password-before"}, Health.WRONG),
        ({"sms_url": ""}, Health.WRONG),
        ({}, Health.GOOD),  # it does not say
    ],
)
async def test_a_number_that_hands_replies_to_somebody_else_is_found_before_a_code_or_a_stop_is_lost(
    ours: dict[str, str], health: Health
) -> None:
    double = ElksDouble()
    await double.start()
    settings = with_elks(double, double.password)
    wanted = inbound_address(settings.origin, AddressProof(double.password))
    theirs = {"number": "+46700000001", "sms_url": "https://elsewhere.example.org"}
    double.numbers = [
        theirs,
        {"number": "+46700000000"} | {name: each.format(ours=wanted) for name, each in ours.items()},
    ]
    found = await examinations.elks(settings)
    await double.stop()
    assert (found.health, wanted in found.says) == (health, ours.get("sms_url") != "{ours}")


async def test_46elks_that_is_not_there_is_wrong_and_without_an_account_it_is_a_note() -> None:
    double = ElksDouble()
    await double.start()
    settings = with_elks(double, double.password)
    await double.stop()
    assert (await examinations.elks(settings)).health is Health.WRONG
    assert (await examinations.elks(load_settings({}))).health is Health.NOTE


async def test_twilio_that_takes_our_login_is_well(twilio: str) -> None:
    assert (await examinations.twilio(with_twilio(twilio))).health is Health.GOOD


async def test_twilio_that_refuses_our_login_is_wrong(twilio: str) -> None:
    found = await examinations.twilio(with_twilio(twilio, token="another"))
    assert (found.health, "refuses" in found.says) == (Health.WRONG, True)


async def test_twilio_out_of_reach_is_wrong() -> None:
    found = await examinations.twilio(with_twilio(f"http://127.0.0.1:{unused_port()}"))
    assert (found.health, "does not answer" in found.says) == (Health.WRONG, True)


async def test_a_mail_server_that_takes_us_is_well(mail: SmtpSink) -> None:
    found = await examinations.smtp(load_settings({"ISOCKET_SMTP_URL": mail.url}))
    assert found.health is Health.GOOD, found.says


async def test_a_broker_of_others_is_asked_with_our_login(tmp_path: Path) -> None:
    async with running_broker(tmp_path, {"bridge": "the-right-secret"}) as broker:
        where = f"127.0.0.1:{broker.port}"
        right = load_settings({"ISOCKET_BROKER_URL": f"mqtt://bridge:the-right-secret@{where}"})
        wrong = load_settings({"ISOCKET_BROKER_URL": f"mqtt://bridge:guessed@{where}"})
        assert (await examinations.broker_of_others(right)).says == f"{where} takes our login"
        assert (await examinations.broker_of_others(wrong)).health is Health.WRONG


@pytest.mark.parametrize(("anonymous", "health"), [(True, Health.NOTE), (False, Health.WRONG)])
async def test_a_broker_on_this_machine_is_asked_without_a_login_where_none_is_given(
    tmp_path: Path, anonymous: bool, health: Health
) -> None:
    with foreign_broker(tmp_path, anonymous=anonymous) as port:
        found = await examinations.broker_of_others(load_settings({"ISOCKET_BROKER_URL": f"mqtt://127.0.0.1:{port}"}))
    assert found.health is health, found.says


async def test_a_broker_of_others_without_tls_behind_a_tls_address_is_wrong(tmp_path: Path) -> None:
    async with running_broker(tmp_path, {}) as broker:
        settings = load_settings({"ISOCKET_BROKER_URL": f"mqtts://bridge:secret@127.0.0.1:{broker.port}"})
        assert (await examinations.broker_of_others(settings)).health is Health.WRONG


async def test_another_program_at_our_brokers_address_is_wrong() -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as other:
        settings = load_settings(
            {"ISOCKET_MQTT": f"127.0.0.1:{other.port}", "ISOCKET_HTTP": f"127.0.0.1:{unused_port()}"}
        )
        found = await examinations.own_broker(settings)
    assert (found.health, "ISOCKET_MQTT" in found.says) == (Health.WRONG, True)


async def test_another_program_at_our_portals_address_is_wrong() -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as other:
        settings = load_settings({"ISOCKET_HTTP": f"127.0.0.1:{other.port}", "ISOCKET_MQTT": f"127.0.0.1:{other.port}"})
        found = await examinations.portal(settings)
        broker = await examinations.own_broker(settings)
    assert (found.health, "ISOCKET_HTTP" in found.says) == (Health.WRONG, True)
    assert broker.health is Health.WRONG, "who answers there is not our broker"


async def test_a_certificate_with_which_our_broker_could_not_start_is_wrong(tmp_path: Path) -> None:
    missing, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    key.touch()
    settings = load_settings(
        {
            "ISOCKET_HTTP": f"127.0.0.1:{unused_port()}",
            "ISOCKET_MQTT": f"127.0.0.1:{unused_port()}",
            "ISOCKET_MQTT_TLS": f"127.0.0.1:{unused_port()}",
            "ISOCKET_MQTT_TLS_CERTIFICATE": str(missing),
            "ISOCKET_MQTT_TLS_KEY": str(key),
        }
    )
    found = await examinations.own_broker(settings)
    said = f"ISOCKET_MQTT_TLS_CERTIFICATE: {missing} cannot be read: No such file or directory."
    assert (found.health, found.says) == (Health.WRONG, said)
    missing.touch()
    assert (await examinations.own_broker(settings)).health is Health.GOOD


async def test_a_mosquitto_that_the_cloud_would_start_is_there_for_the_check_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {None: "/opt/mosquitto/bin/mosquitto"}  # where PATH leads, and in no usual place
    monkeypatch.setattr(shutil, "which", lambda _, path=None: here.get(path))
    settings = load_settings({each: f"127.0.0.1:{unused_port()}" for each in ("ISOCKET_MQTT", "ISOCKET_HTTP")})
    assert (await examinations.own_broker(settings)).health is Health.GOOD
    here.clear()
    assert (await examinations.own_broker(settings)).health is Health.WRONG


async def test_an_address_that_only_this_machine_reaches_is_wrong_where_providers_call_back(twilio: str) -> None:
    alone = await examinations.public_address(load_settings({}))
    called = await examinations.public_address(with_twilio(twilio))
    assert (alone.health, called.health) == (Health.NOTE, Health.WRONG)


async def test_a_public_address_without_encryption_is_wrong() -> None:
    found = await examinations.public_address(load_settings({"ISOCKET_PUBLIC_URL": "http://cloud.example.org"}))
    assert (found.health, "https" in found.says) == (Health.WRONG, True)


async def test_what_is_set_up_is_used_and_the_rest_ends_on_the_desk(twilio: str) -> None:
    records, key = StoredRecords(MemoryDocuments()), generate_private_key(SECP256R1())
    some = Channels.from_settings(with_twilio(twilio), records=records, clock=SystemClock(), push_key=key)
    none = Channels.from_settings(load_settings({}), records=records, clock=SystemClock(), push_key=key)
    direct = {ChannelKind.PUSH: "web_push", ChannelKind.WEBHOOK: "webhook"}  # these are always real
    assert {kind: ways[0].name for kind, ways in some.in_order.items()} == {
        ChannelKind.SMS: "twilio",
        ChannelKind.VOICE: "twilio",
        ChannelKind.EMAIL: "desk",
        **direct,
    }
    assert {ways[0].name for kind, ways in none.in_order.items() if kind not in direct} == {"desk"}


def test_whether_anybody_would_hear_of_trouble_of_our_own_is_said() -> None:
    nobody = operator(load_settings({}))
    assert (nobody.health, "ISOCKET_OPERATOR_EMAIL" in nobody.says) == (Health.NOTE, True)
    told = operator(
        load_settings(
            {"ISOCKET_OPERATOR_EMAIL": "ops@example.org", "ISOCKET_HEARTBEAT_URL": "https://example.org/geheim"}
        )
    )
    assert told.says == "hears of trouble of the cloud itself by mail, an outside heartbeat"
    assert told.health is Health.GOOD


@pytest.mark.clause("C3-10")
def test_a_provider_outside_the_eea_of_which_notices_do_not_say_by_what_that_is_covered_is_noted() -> None:
    elks = {"ISOCKET_ELKS_USERNAME": "u", "ISOCKET_ELKS_PASSWORD": "p", "ISOCKET_ELKS_FROM": "iSocket"}
    assert transfers(load_settings({})).says == "no provider in use is outside the EEA"
    away = transfers(load_settings(elks))
    assert (away.health, "ISOCKET_TRANSFER_SAFEGUARD" in away.says) == (Health.NOTE, True)
    covered = transfers(load_settings({**elks, "ISOCKET_TRANSFER_SAFEGUARD": "Data Privacy Framework"}))
    assert (covered.health, covered.says) == (Health.GOOD, "SMS and voice leave the EEA: Data Privacy Framework")
    at_home = transfers(load_settings({**elks, "ISOCKET_SMS_PROVIDER_COUNTRY": "SE"}))
    assert at_home.health is Health.GOOD


def test_the_operators_thresholds_are_those_that_watch() -> None:
    watch = oversight(
        load_settings(
            {
                "ISOCKET_OPERATOR_PHONE": "+447700900999",
                "ISOCKET_OUTAGE_LEAST": "7",
                "ISOCKET_OUTAGE_SHARE_PCT": "40",
                "ISOCKET_OUTAGE_WITHIN_S": "600",
                "ISOCKET_OUTAGE_HOLD_S": "7200",
                "ISOCKET_POWER_CUT_SHARE_PCT": "3",
                "ISOCKET_POWER_CUT_WITHIN_S": "90",
            }
        ),
        AlertMetrics(),
    )
    assert watch.operator == Operator(phone="+447700900999")
    assert watch.limits == Thresholds(
        least=7, share_pct=40, within_s=600, hold_s=7200, power_share_pct=3, power_within_s=90
    )
