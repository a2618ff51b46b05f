"""Notifications: what the push service sees, what its answers mean, and what becomes of a browser that is gone."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import http_ece  # type: ignore[import-untyped]  # http_ece ships no types
import pytest
from aiohttp import ThreadedResolver
from py_vapid import Vapid02  # type: ignore[import-untyped]  # py_vapid ships no types

from alerts.channels.channel import Message
from alerts.channels.web_push import FILLED_UP_TO, LONGEST_TEXT
from alerts.endpoints import Endpoints
from alerts.outcomes import RefusalScope, Refused, Sent, TryLater
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import Endpoint
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, MAILS, PUBLIC_URL
from tests.fakes.clock import NOON
from tests.fakes.dying import Died, DyingRecords, Fuse
from tests.fakes.endpoint_house import BROWSER, NAME, EndpointHouse, endpoint_house
from tests.fakes.web_receiver import DROP_AFTER, answer

SECRET = "Mökki: mains power is out"


@pytest.fixture
async def made() -> AsyncIterator[EndpointHouse]:
    async with endpoint_house() as house:
        yield house


def message(text: str = SECRET, **changes: Any) -> Message:
    values: dict[str, Any] = {"attempt_id": "att_1", "to": BROWSER, "subject": "", "topic": "inc_1"}
    return Message(text=text, **{**values, **changes})


async def notices(made: EndpointHouse) -> list[str]:
    found = await made.house.records.find(Delivery, is_("kind", DeliveryKind.NOTICE))
    return sorted(each.address for each in found)


async def test_the_push_service_sees_neither_the_text_nor_its_length(made: EndpointHouse) -> None:
    for text in (SECRET, "x", "y" * 900):
        assert isinstance(await made.push.send(message(text)), Sent)
    taken = made.service.accepted[NAME]
    assert [each.text for each in taken] == [SECRET, "x", "y" * 900]
    assert len({len(each.raw) for each in taken}) == 1
    assert len(taken[0].raw) < 4096
    for each in taken:
        assert b"mains" not in each.raw + repr(sorted(each.headers.items())).encode()
        assert not {"inc_1", "att_1", ANNA, BROWSER} & set(each.headers.values())


async def test_two_messages_of_the_same_text_look_nothing_alike(made: EndpointHouse) -> None:
    for _ in range(2):
        await made.push.send(message())
    first, second = made.service.accepted[NAME]
    assert first.raw[:16] != second.raw[:16]  # the salt
    assert first.raw[21:86] != second.raw[21:86]  # the key of this message alone


@pytest.mark.parametrize(
    ("expires", "ttl"), [(timedelta(hours=1), "3600"), (None, "7200"), (timedelta(seconds=-5), "0")]
)
async def test_a_message_waits_as_long_as_it_is_of_use(
    made: EndpointHouse, expires: timedelta | None, ttl: str
) -> None:
    await made.push.send(message(expires_at=None if expires is None else NOON + expires))
    (taken,) = made.service.accepted[NAME]
    assert (taken.headers["TTL"], taken.headers["Urgency"]) == (ttl, "high")


async def test_what_is_over_takes_the_place_of_what_was_wrong(made: EndpointHouse) -> None:
    for topic in ("inc_1", "inc_1", "inc_2"):
        await made.push.send(message(topic=topic))
    topics = [each.headers["Topic"] for each in made.service.accepted[NAME]]
    assert topics[0] == topics[1] != topics[2]
    assert all(len(each) <= 32 and each.replace("_", "").isalnum() for each in topics)


async def test_the_sender_proves_who_it_is_for_a_short_time_and_this_service_only(made: EndpointHouse) -> None:
    await made.push.send(message())
    (taken,) = made.service.accepted[NAME]
    header = taken.headers["Authorization"]
    assert Vapid02.verify(header)
    token = header.removeprefix("vapid t=").partition(",")[0]
    claims = json.loads(_decoded(token.split(".")[1]))
    assert claims == {
        "aud": made.service.base_url,
        "exp": int((NOON + timedelta(hours=12)).timestamp()),
        "sub": "mailto:operator@example.org",
    }


@pytest.mark.parametrize("name", ["\u00e9", "x" * 65, ""])
async def test_a_name_that_nobody_can_keep_is_not_kept(made: EndpointHouse, name: str) -> None:
    made.service.script(NAME, answer(201, Location=f"/waiting/{name}"))
    assert await made.push.send(message()) == Sent(provider_id="att_1", receipt_expected=True)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_gets_nothing_more_and_owner_and_contact_hear_of_it(
    made: EndpointHouse, status: int
) -> None:
    made.service.script(NAME, answer(status))
    outcome = await made.push.send(message())
    assert outcome == Refused(reason="endpoint_gone", scope=RefusalScope.CONTACT, code=str(status))
    endpoint = await made.endpoint(BROWSER)
    assert (endpoint.gone_at, endpoint.gone_reason) == (NOON, f"http_{status}")
    assert await notices(made) == [MAILS[ANNA], "owner@example.org"]
    await made.push.send(message())
    assert (made.service.requests, len(await notices(made))) == (1, 2)


async def test_who_asked_us_to_stop_does_not_hear_that_a_browser_is_gone(made: EndpointHouse) -> None:
    await made.house.records.change_one(Contact, is_("id", ANNA), paused_at=NOON)
    made.service.script(NAME, answer(410))
    await made.push.send(message())
    assert await notices(made) == ["owner@example.org"]


async def test_nobody_hears_of_a_browser_that_never_answered() -> None:
    async with endpoint_house(verified_at=None) as made:
        made.service.script(NAME, answer(410))
        await made.push.send(message())
        assert (await made.endpoint(BROWSER)).gone_at == NOON
        assert await notices(made) == []


async def test_a_browser_that_came_back_meanwhile_is_not_lost(made: EndpointHouse) -> None:
    before = await made.endpoint(BROWSER)
    await made.house.records.change_one(Endpoint, is_("id", BROWSER), address=before.address)
    await made.push._endpoints.lose(before, "http_410")
    assert ((await made.endpoint(BROWSER)).gone_at, await notices(made)) == (None, [])


@pytest.mark.parametrize(
    ("status", "reason", "scope"),
    [
        (400, "refused", RefusalScope.MESSAGE),
        (401, "credentials", RefusalScope.CONTACT),
        (403, "credentials", RefusalScope.CONTACT),
        (413, "text_too_long", RefusalScope.MESSAGE),
        (418, "refused", RefusalScope.MESSAGE),
        (301, "refused", RefusalScope.MESSAGE),
    ],
)
async def test_a_refusal_says_whom_it_concerns(
    made: EndpointHouse, status: int, reason: str, scope: RefusalScope
) -> None:
    made.service.script(NAME, answer(status))
    assert await made.push.send(message()) == Refused(reason=reason, scope=scope, code=str(status))
    assert (await made.endpoint(BROWSER)).gone_at is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_push_service_in_trouble_gets_time(made: EndpointHouse, status: int) -> None:
    made.service.script(NAME, answer(status, Retry_After="17"))
    outcome = await made.push.send(message())
    assert isinstance(outcome, TryLater)
    assert outcome.after_s == 17


async def test_a_lost_answer_is_tried_again_for_the_second_copy_replaces_the_first(made: EndpointHouse) -> None:
    made.service.script(NAME, DROP_AFTER)
    assert isinstance(await made.push.send(message()), TryLater)
    assert isinstance(await made.push.send(message(attempt_id="att_2")), Sent)
    first, second = made.service.accepted[NAME]
    assert first.headers["Topic"] == second.headers["Topic"]


@pytest.mark.parametrize(("where", "name"), [(http_ece, "encrypt"), (Vapid02, "sign")])
async def test_what_cannot_be_sealed_or_signed_is_refused_for_nothing_has_left(
    made: EndpointHouse, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(where, name, break_down)
    refused = Refused(reason="not_sendable: RuntimeError", scope=RefusalScope.MESSAGE)
    assert (await made.push.send(message()), made.service.requests) == (refused, 0)


async def test_a_text_that_no_push_service_takes_is_refused_before_it_goes(made: EndpointHouse) -> None:
    longest = "a" * LONGEST_TEXT
    assert isinstance(await made.push.send(message(longest)), Sent)
    assert len(made.service.accepted[NAME][0].raw) <= 4096
    assert LONGEST_TEXT % FILLED_UP_TO == 0
    assert await made.push.send(message(longest + "a")) == Refused(reason="text_too_long", scope=RefusalScope.MESSAGE)


@pytest.mark.parametrize(
    "address",
    [
        "no JSON",
        "[]",
        "{}",
        '{"endpoint": 1, "keys": {}}',
        json.dumps({"endpoint": "https://push.example.org/x", "keys": {"p256dh": "!!", "auth": "AAAA"}}),
        json.dumps({"endpoint": "https://push.example.org/x", "keys": {"p256dh": "AAAA", "auth": "A" * 22}}),
        json.dumps({"endpoint": "https://push.example.org/x", "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22}}),
        json.dumps({"endpoint": "http://push.example.org/x", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}),
    ],
)
async def test_a_subscription_that_cannot_be_used_is_given_up(address: str) -> None:
    async with endpoint_house(address=address) as made:
        outcome = await made.push.send(message())
        assert outcome == Refused(reason="endpoint_gone", scope=RefusalScope.CONTACT, code="subscription_invalid")
        assert (await made.endpoint(BROWSER)).gone_reason == "subscription_invalid"


async def test_a_subscription_whose_name_leads_into_our_own_network_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def resolve(_: ThreadedResolver, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "10.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    async with endpoint_house(loopback=False) as made:
        subscription = made.service.subscribe(NAME, origin="https://push.example.org")
        await made.house.records.change_one(Endpoint, is_("id", BROWSER), address=json.dumps(subscription))
        assert await made.push.send(message()) == Refused(reason="address_forbidden", scope=RefusalScope.CONTACT)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("verb", range(1, 6))
async def test_whoever_dies_while_giving_up_a_browser_leaves_it_to_the_next_and_nobody_is_told_twice(
    made: EndpointHouse, verb: int, after: bool
) -> None:
    browser, fuse = await made.endpoint(BROWSER), Fuse(verb, after=after)
    records, clock = made.house.records, made.house.clock
    with suppress(Died):
        await Endpoints(records=DyingRecords(records, fuse), clock=clock, public_url=PUBLIC_URL).lose(
            browser, "http_410"
        )
    assert fuse.burnt
    made.service.script(NAME, answer(410))
    await made.push.send(message())
    assert (await made.endpoint(BROWSER)).gone_reason == "http_410"
    assert await notices(made) == [MAILS[ANNA], "owner@example.org"]
