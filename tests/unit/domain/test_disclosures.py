"""The ledger of who was given what: what a line says, and what follows from messages by itself."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules

import pytest

from alerts import channels
from isocket.domain.collected import OUTGOING
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind
from isocket.domain.disclosures import WHY, DisclosedTo, may_be_told, noted, of_line, of_message
from isocket.domain.handling import Basis, Purpose, Recipient
from tests.fakes.clock import NOON

LOOK = noted(
    "acc_1", to=DisclosedTo.STAFF, what=("devices",), purpose=Purpose.SERVICE, basis=Basis.CONTRACT, at=NOON,
    reason="asked for help", recipient_id="acc_staff",
)  # fmt: skip


def delivery(kind: DeliveryKind = DeliveryKind.ALARM, channel: ChannelKind = ChannelKind.SMS) -> Delivery:
    return Delivery(
        id="dlv_1", account_id="acc_1", person_id="con_1", kind=kind, channel=channel, address="+447700900001",
        text="x", created_at=NOON, due_at=NOON,
    )  # fmt: skip


def attempt(provider: str) -> Attempt:
    return Attempt(
        id="att_1", delivery_id="dlv_1", account_id="acc_1", person_id="con_1", number=1, provider=provider,
        started_at=NOON,
    )  # fmt: skip


@pytest.mark.clause("C2-04")
@pytest.mark.parametrize("kind", DeliveryKind)
def test_every_kind_of_message_has_a_purpose_and_a_basis(kind: DeliveryKind) -> None:
    purpose, basis = WHY[kind]
    assert (basis is Basis.CONSENT) == (purpose is Purpose.PROMOTION) == (kind is DeliveryKind.NEWSLETTER)


@pytest.mark.clause("C2-20")
@pytest.mark.parametrize(
    ("channel", "provider", "way"),
    [
        (ChannelKind.SMS, "twilio", "sms"),
        (ChannelKind.SMS, "46elks", "sms by 46elks"),
        (ChannelKind.VOICE, "twilio", "voice"),
        (ChannelKind.EMAIL, "smtp", "email"),
        (ChannelKind.PUSH, "push", "push"),
        (ChannelKind.WEBHOOK, "webhook", "webhook"),
    ],
)
def test_a_message_tells_which_provider_was_handed_which_fields(channel: ChannelKind, provider: str, way: str) -> None:
    told = of_message(attempt(provider), delivery(channel=channel))
    assert (told.to, told.recipient) == (OUTGOING[way].recipient.value, provider)
    assert told.what == OUTGOING[way].personal
    assert (told.subject_id, told.way, told.kind) == ("con_1", channel.value, "alarm")


@pytest.mark.clause("C2-20")
@pytest.mark.parametrize("kind", ChannelKind)
def test_of_several_providers_of_a_kind_each_but_one_says_itself_what_it_is_handed(kind: ChannelKind) -> None:
    modules = [import_module(f"alerts.channels.{each.name}") for each in iter_modules(channels.__path__)]
    found = {each.name for module in modules for each in vars(module).values() if getattr(each, "kind", None) is kind}
    unsaid = {name for name in found if f"{kind.value} by {name}" not in OUTGOING}
    assert len(unsaid) == 1, "`OUTGOING` in isocket/domain/collected.py: one is the plain way, another `KIND by NAME`"


@pytest.mark.clause("C2-20")
def test_no_provider_of_texts_is_handed_a_mailbox_or_a_name() -> None:
    telephones = [each for each in OUTGOING.values() if each.recipient is Recipient.SMS_VOICE_PROVIDER]
    assert len(telephones) == 3
    assert {name.lower() for each in telephones for name in each.personal} <= {"to", "body", "message"}


def test_what_lies_on_the_desk_left_the_house_by_nobody() -> None:
    assert "no provider" in of_message(attempt("desk"), delivery()).to


@pytest.mark.clause("C3-09")
def test_a_line_says_who_got_what_on_which_basis_and_why() -> None:
    told = of_line(LOOK)
    assert (told.to, told.recipient, told.what, told.reason) == (
        "our staff", "acc_staff", ("devices",), "asked for help",
    )  # fmt: skip
    assert (told.purpose, told.basis, told.subject_id) == ("service", "art6_1_b", "acc_1")


def test_what_is_noted_once_a_day_is_one_line_and_every_look_is_one_of_its_own() -> None:
    def use(day: str) -> str:
        return noted(
            "acc_1", to=DisclosedTo.PROGRAM, what=("telemetry",), purpose=Purpose.SERVICE, basis=Basis.CONTRACT,
            at=NOON, recipient_id="tok_1", once=(day, "read"),
        ).id  # fmt: skip

    def look() -> str:
        return noted(
            "acc_1", to=DisclosedTo.STAFF, what=(), purpose=Purpose.SERVICE, basis=Basis.CONTRACT, at=NOON
        ).id  # fmt: skip

    assert use("2026-11-22") == use("2026-11-22") != use("2026-11-23")
    assert look() != look()


@pytest.mark.clause("C2-27")
def test_what_the_law_forbids_to_tell_is_told_when_that_is_over() -> None:
    silent = replace(LOOK, silent_until=NOON + timedelta(days=30))
    assert may_be_told(LOOK, NOON)
    assert not may_be_told(silent, NOON)
    assert may_be_told(silent, NOON + timedelta(days=30))
