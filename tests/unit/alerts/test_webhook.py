"""Messages to a program: signed, proved by its secret, and repeated only where the program can know a second copy."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.channels.channel import Message
from alerts.channels.webhook import proof, signature
from alerts.outcomes import RefusalScope, Refused, Sent, TryLater
from alerts.wording import Reader, Story
from alerts.wording.endpoint_texts import WEBHOOK_TYPES, webhook_text
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.endpoint_letters import webhook_verification
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.kit.clock import SystemClock
from isocket.storage.port import is_
from tests.fakes.clock import NOON
from tests.fakes.endpoint_house import NAME, PROGRAM, EndpointHouse, endpoint_house
from tests.fakes.patience import PATIENCE_S, out_of_time
from tests.fakes.web_receiver import DROP_AFTER, ENDLESS, HANG_AFTER, Program, answer

CHALLENGE = "the-challenge"
PROOF = proof(CHALLENGE, Program().secret)
MANUAL = Path(__file__).parents[3] / "docs" / "webhooks.md"
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_JSON = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
async def made() -> AsyncIterator[EndpointHouse]:
    async with endpoint_house() as house:
        yield house


@pytest.fixture
async def unproved() -> AsyncIterator[EndpointHouse]:
    async with endpoint_house(verified_at=None) as house:
        yield house


def message(text: str = '{"type":"incident.alarm"}', **changes: Any) -> Message:
    values: dict[str, Any] = {"attempt_id": "att_1", "to": PROGRAM, "subject": "", "message_id": "<dlv_1@example.org>"}
    return Message(text=text, **{**values, **changes})


def verification() -> Message:
    return message(webhook_verification("dlv_1", NOON, CHALLENGE), kind=DeliveryKind.CODE)


def test_the_signature_is_what_the_manual_says() -> None:
    # printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac key
    digest = "7330c9cf7d886970cbebbbb5494c04d2aeff06a990adb7d7a75abfeb0159d291"
    assert signature(b'{"a":1}', ["key"], 1_800_000_000) == f"t=1800000000,v1={digest}"


def test_the_manuals_example_knows_our_signature_from_others() -> None:
    example = _PYTHON.findall(MANUAL.read_text())[0]
    made: dict[str, Any] = {}
    exec(example, made)  # noqa: S102 - it is the manual's, and has to work as it stands there
    body, now = b'{"type":"test"}', int(SystemClock().now().timestamp())
    header = signature(body, ["the new one", "the old one"], now)
    for secret in ("the new one", "the old one"):
        assert made["is_genuine"](body, header, secret)
    assert not made["is_genuine"](body, header, "another")
    assert not made["is_genuine"](body + b" ", header, "the new one")
    assert not made["is_genuine"](body, signature(body, ["the new one"], now - 301), "the new one")
    assert not made["is_genuine"](body, "", "the new one")
    assert made["proof_of"](CHALLENGE, "the new one") == proof(CHALLENGE, "the new one")


def test_the_manual_shows_the_form_that_is_sent() -> None:
    shown = json.loads(_JSON.findall(MANUAL.read_text())[0])
    incident = Incident(
        id="inc_1",
        account_id="acc_1",
        device_id="is-1",
        cause=Cause.MAINS_LOST,
        severity=Severity.CRITICAL,
        opened_at=NOON,
        detected_at=NOON + timedelta(seconds=10),
    )
    story, reader = Story(incident=incident, device_name="Summer house"), Reader(language="en", time_zone="UTC")
    names = {"message_id": shown["id"], "token": "TOKEN", "public_url": "https://cloud.example.org"}
    sent = webhook_text(story, reader, DeliveryKind.ALARM, **names)
    assert json.loads(sent.replace("inc_1", shown["incident"]["id"])) == shown
    assert all(f"`{each}`" in MANUAL.read_text() for each in WEBHOOK_TYPES.values())


async def test_a_message_carries_its_id_a_time_and_a_signature(made: EndpointHouse) -> None:
    outcome = await made.webhook.send(message())
    assert outcome == Sent(provider_id="att_1", receipt_expected=False)
    (taken,) = made.program.accepted[NAME]  # which looked at the signature
    assert taken.headers["iSocket-Id"] == "dlv_1"
    assert taken.headers["iSocket-Signature"].startswith(f"t={int(NOON.timestamp())},v1=")
    assert taken.headers["Content-Type"] == "application/json"


async def test_a_proof_that_cannot_be_stored_is_asked_for_again() -> None:
    async with endpoint_house(verified_at=None, full=True) as made:
        made.program.script(NAME, answer(200, body=PROOF))
        assert await made.webhook.send(verification()) == TryLater(reason="store_unavailable")


async def test_a_program_that_wants_no_more_has_refused_although_that_cannot_be_stored() -> None:
    async with endpoint_house(full=True) as made:
        made.program.script(NAME, answer(410))
        refused = Refused(reason="endpoint_gone", scope=RefusalScope.CONTACT, code="410")
        assert await made.webhook.send(message()) == refused


async def test_a_repetition_has_the_same_id(made: EndpointHouse) -> None:
    made.program.script(NAME, DROP_AFTER, HANG_AFTER, answer(500, takes=True))
    outcomes = [
        await out_of_time(
            made.webhook.send(message(attempt_id=f"att_{number}")), made.program.silent, limit_s=PATIENCE_S
        )
        for number in range(4)
    ]
    assert [type(each) for each in outcomes] == [TryLater, TryLater, TryLater, Sent]
    assert [each.headers["iSocket-Id"] for each in made.program.accepted[NAME]] == ["dlv_1"] * 4


async def test_while_a_secret_changes_both_are_good(made: EndpointHouse) -> None:
    await made.house.records.change_one(
        Endpoint,
        is_("id", PROGRAM),
        secret="the new one",
        previous_secret=made.program.secret,
        previous_until=NOON + timedelta(hours=1),
    )
    await made.webhook.send(message())
    made.program.secret = "the new one"
    await made.webhook.send(message())
    assert len(made.program.accepted[NAME]) == 2
    await made.house.clock.advance(3600)
    await made.webhook.send(message())
    assert made.program.accepted[NAME][-1].headers["iSocket-Signature"].count("v1=") == 1


async def test_a_program_that_answers_the_challenge_gets_alarms(unproved: EndpointHouse) -> None:
    assert isinstance(await unproved.webhook.send(verification()), Sent)
    assert (await unproved.endpoint(PROGRAM)).verified_at == NOON


async def test_while_a_secret_changes_the_proof_may_be_by_either(unproved: EndpointHouse) -> None:
    until = NOON + timedelta(hours=1)
    changes = {"secret": "the new one", "previous_secret": Program().secret, "previous_until": until}
    await unproved.house.records.change_one(Endpoint, is_("id", PROGRAM), **changes)
    for key in ("the new one", Program().secret):
        unproved.program.script(NAME, answer(200, body=proof(CHALLENGE, key)))
        assert isinstance(await unproved.webhook.send(verification()), Sent)
    await unproved.house.clock.advance(3600)
    unproved.program.script(NAME, answer(200, body=proof(CHALLENGE, Program().secret)))
    assert isinstance(await unproved.webhook.send(verification()), Refused)


@pytest.mark.parametrize("body", [PROOF, f" {PROOF.upper()}\n", json.dumps({"proof": PROOF, "more": 1})])
async def test_the_proof_may_be_plain_or_json(unproved: EndpointHouse, body: str) -> None:
    unproved.program.script(NAME, answer(200, body=body))
    assert isinstance(await unproved.webhook.send(verification()), Sent)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ok",
        "{}",
        "[]",
        '{"proof": 1}',
        '{"proof": "another"}',
        f"{PROOF}x",
        "\ud7ff" * 9000,
        "[" * 8000,
        '{"proof": "\\ud800"}',
        json.dumps({"proof": proof(CHALLENGE, "the secret of somebody else")}),
        CHALLENGE,
        json.dumps({"challenge": CHALLENGE}),
        json.dumps({"proof": CHALLENGE}),
        webhook_verification("dlv_1", NOON, CHALLENGE),
    ],
)
async def test_a_program_that_takes_anything_proves_nothing(unproved: EndpointHouse, body: str) -> None:
    unproved.program.script(NAME, answer(200, body=body))
    outcome = await unproved.webhook.send(verification())
    assert outcome == Refused(reason="challenge_not_answered", scope=RefusalScope.CONTACT)
    assert (await unproved.endpoint(PROGRAM)).verified_at is None


async def test_an_answer_without_end_proves_nothing_and_holds_up_nobody(unproved: EndpointHouse) -> None:
    unproved.program.script(NAME, ENDLESS)
    assert isinstance(await unproved.webhook.send(verification()), Refused)


async def test_only_what_is_sent_as_a_code_is_a_challenge(unproved: EndpointHouse) -> None:
    text = webhook_verification("dlv_1", NOON, CHALLENGE)
    assert isinstance(await unproved.webhook.send(message(text)), Sent)
    assert (await unproved.endpoint(PROGRAM)).verified_at is None


async def test_a_program_that_is_gone_gets_nothing_more(made: EndpointHouse) -> None:
    made.program.script(NAME, answer(410))
    gone = Refused(reason="endpoint_gone", scope=RefusalScope.CONTACT, code="410")
    assert await made.webhook.send(message()) == gone
    assert (await made.endpoint(PROGRAM)).gone_reason == "http_410"
    assert isinstance(await made.webhook.send(message()), Refused)
    assert made.program.requests == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [(301, "redirected"), (307, "redirected"), (400, "refused"), (401, "refused"), (404, "refused"), (422, "refused")],
)
async def test_a_refusal_is_of_this_message(made: EndpointHouse, status: int, reason: str) -> None:
    made.program.script(NAME, answer(status, Location=f"{made.program.base_url}/elsewhere"))
    outcome = await made.webhook.send(message())
    assert outcome == Refused(reason=reason, scope=RefusalScope.MESSAGE, code=str(status))
    assert (made.program.requests, (await made.endpoint(PROGRAM)).gone_at) == (1, None)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_a_program_in_trouble_gets_time(made: EndpointHouse, status: int) -> None:
    made.program.script(NAME, answer(status, Retry_After="9"))
    outcome = await made.webhook.send(message())
    assert isinstance(outcome, TryLater)
    assert outcome.after_s == 9


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://hooks.example.org/", "https://10.0.0.1/"])
async def test_an_address_that_we_do_not_call_is_refused(url: str) -> None:
    async with endpoint_house(loopback=False, address=url) as made:
        outcome = await made.webhook.send(message())
        assert outcome == Refused(reason="address_forbidden", scope=RefusalScope.CONTACT)


async def test_a_browser_is_no_program(made: EndpointHouse) -> None:
    outcome = await made.webhook.send(message(to="end_browser"))
    assert outcome == Refused(reason="endpoint_gone", scope=RefusalScope.CONTACT)
