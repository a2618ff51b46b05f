"""What Twilio's answers and receipts mean."""

from itertools import permutations

import pytest

from alerts.outcomes import (
    ReceiptKind,
    ReceiptMeaning,
    RefusalScope,
    Refused,
    TryLater,
    Unclear,
    read_receipt,
    read_twilio_error,
)

CONTACT, MESSAGE, ACCOUNT = RefusalScope.CONTACT, RefusalScope.MESSAGE, RefusalScope.ACCOUNT


@pytest.mark.parametrize(
    ("http_status", "code", "reason", "scope"),
    [
        (400, 11100, "callback_address", ACCOUNT),
        (401, 20003, "credentials", ACCOUNT),
        (404, 20404, "account_unknown", ACCOUNT),
        (400, 21205, "callback_address", ACCOUNT),
        (400, 21211, "number_invalid", CONTACT),
        (400, 21212, "sender_invalid", ACCOUNT),
        (400, 21408, "country_not_enabled", MESSAGE),
        (400, 21602, "text_missing", MESSAGE),
        (400, 21603, "sender_invalid", ACCOUNT),
        (400, 21604, "number_invalid", CONTACT),
        (400, 21606, "sender_invalid", ACCOUNT),
        (400, 21608, "number_unverified", CONTACT),
        (400, 21609, "callback_address", ACCOUNT),
        (400, 21610, "opted_out", CONTACT),
        (400, 21612, "no_route", CONTACT),
        (400, 21614, "not_a_mobile", CONTACT),
        (400, 21617, "text_too_long", MESSAGE),
        (400, 21657, "sender_invalid", ACCOUNT),
        (400, 21659, "sender_invalid", ACCOUNT),
        (403, 30002, "account_suspended", ACCOUNT),
        (400, 30042, "sender_unknown_there", MESSAGE),
        (429, 63038, "daily_cap", ACCOUNT),
    ],
)
def test_each_known_code_is_a_refusal_with_our_word_for_it(
    http_status: int, code: int, reason: str, scope: RefusalScope
) -> None:
    assert read_twilio_error(http_status, code, 5.0) == Refused(reason=reason, scope=scope, code=str(code))


def test_too_many_requests_waits_as_long_as_the_provider_asks() -> None:
    assert read_twilio_error(429, 20429, 7.0) == TryLater(reason="too_many_requests", after_s=7.0)


def test_too_many_requests_without_a_code_or_a_time_is_still_later() -> None:
    assert read_twilio_error(429, None, None) == TryLater(reason="too_many_requests", after_s=None)


def test_unavailable_is_later() -> None:
    assert read_twilio_error(503, None, 3.0) == TryLater(reason="provider_unavailable", after_s=3.0)


@pytest.mark.parametrize("http_status", [0, 200, 302, 500, 502, 504])
@pytest.mark.parametrize("code", [None, 20500, 21211, 20429])
def test_other_answers_say_nothing_about_the_message_whatever_code_they_hold(
    http_status: int, code: int | None
) -> None:
    assert read_twilio_error(http_status, code, None) == Unclear(reason=f"http_{http_status}")


@pytest.mark.parametrize("http_status", [401, 403, 404])
def test_a_status_about_our_account_refuses_for_the_account_even_without_a_code(http_status: int) -> None:
    outcome = read_twilio_error(http_status, None, None)
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.code) == (ACCOUNT, str(http_status))


def test_an_unknown_refusal_is_about_this_message_only() -> None:
    assert read_twilio_error(400, 99999, None) == Refused(reason="refused", scope=MESSAGE, code="99999")


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_delivered_is_final(status: str) -> None:
    meaning = read_receipt(status)
    assert (meaning.kind, meaning.is_final) == (ReceiptKind.DELIVERED, True)


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent"])
def test_progress_is_not_final(status: str) -> None:
    meaning = read_receipt(status, "")
    assert (meaning.kind, meaning.is_final) == (ReceiptKind.PROGRESS, False)


@pytest.mark.parametrize("code", [21211, 21610, 21612, 21614, 30005, 30006])
def test_a_failure_that_no_second_text_message_can_mend_is_permanent(code: int) -> None:
    assert read_receipt("undelivered", code).kind is ReceiptKind.FAILED_PERMANENTLY


@pytest.mark.parametrize("code", [30001, 30002, 30003, 30004, 30007, 30008, 30009, 30010, 30024, 30410])
def test_a_failure_that_may_pass_asks_for_another_channel(code: int) -> None:
    assert read_receipt("undelivered", str(code)).kind is ReceiptKind.FAILED_TRY_OTHER_CHANNEL


@pytest.mark.parametrize("status", ["undelivered", "failed", "canceled", "partially_delivered"])
@pytest.mark.parametrize("code", [None, "", "not a number", "²", 12345])
def test_a_failure_without_a_known_code_asks_for_another_channel(status: str, code: str | int | None) -> None:
    meaning = read_receipt(status, code)
    assert (meaning.kind, meaning.reason) == (ReceiptKind.FAILED_TRY_OTHER_CHANNEL, status)


def test_a_failure_keeps_the_providers_code_and_our_word() -> None:
    meaning = read_receipt("undelivered", "30003")
    assert (meaning.code, meaning.reason) == ("30003", "handset_unreachable")


def _settle(statuses: tuple[str, ...]) -> ReceiptMeaning:
    standing: ReceiptMeaning | None = None
    for status in statuses:
        heard = read_receipt(status)
        if heard.moves_on_from(standing):
            standing = heard
    assert standing is not None
    return standing


@pytest.mark.parametrize("order", list(permutations(["queued", "sending", "sent", "delivered"])))
def test_receipts_in_any_order_end_at_the_furthest(order: tuple[str, ...]) -> None:
    assert _settle(order).kind is ReceiptKind.DELIVERED


@pytest.mark.parametrize("order", list(permutations(["sent", "undelivered", "delivered"])))
def test_proof_of_delivery_outweighs_a_reported_failure(order: tuple[str, ...]) -> None:
    assert _settle(order).kind is ReceiptKind.DELIVERED


def test_a_late_progress_receipt_does_not_undo_a_failure() -> None:
    assert _settle(("failed", "sent", "sending")).reason == "failed"


def test_a_repeated_receipt_moves_nothing() -> None:
    assert not read_receipt("sent").moves_on_from(read_receipt("sent"))


def test_a_word_we_do_not_know_moves_nothing() -> None:
    assert not read_receipt("teleported").moves_on_from(None)
