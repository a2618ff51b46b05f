"""What a provider's answer means for an attempt: sent, refused, later, or nobody can tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

HTTP_UNAUTHORIZED = 401
HTTP_FORBIDDEN = 403
HTTP_NOT_FOUND = 404
HTTP_REQUEST_TIMEOUT = 408
HTTP_TOO_MANY_REQUESTS = 429
HTTP_UNAVAILABLE = 503


class RefusalScope(StrEnum):
    """What a refusal says no to.

    `CONTACT`: this recipient by this channel, whatever the text. `MESSAGE`: this one message.
    `ACCOUNT`: everything we send through this provider, until an operator has changed something.
    """

    CONTACT = "contact"
    MESSAGE = "message"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The provider took the message. With `receipt_expected`, a receipt will say whether it arrived."""

    provider_id: str
    receipt_expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The provider will not carry this; sending it again unchanged is useless.

    `reason` is a word of ours, `code` the provider's own, "" when it gave none.
    """

    reason: str
    scope: RefusalScope
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """The same message may be tried again, not before `after_s` seconds where given.

    It was certainly not sent, or whoever gets it knows a second copy for one.
    """

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """Nobody can tell whether the message went out: never repeat it blindly."""

    reason: str


Outcome = Sent | Refused | TryLater | Unclear


class Cancellation(StrEnum):
    """What became of asking a provider to call a message off."""

    DONE = "done"  # nobody hears it any more
    TOO_LATE = "too_late"  # it is over already, or the provider does not know it
    UNCLEAR = "unclear"  # nobody can tell; asking again does no harm


class Erasal(StrEnum):
    """What became of asking a provider to erase what it keeps of a message."""

    DONE = "done"
    NOT_THERE = "not_there"  # it keeps nothing of it any more
    LATER = "later"  # it is carrying it still, or did not answer; asking again does no harm
    IMPOSSIBLE = "impossible"  # it offers no way


_CONTACT, _MESSAGE, _ACCOUNT = RefusalScope.CONTACT, RefusalScope.MESSAGE, RefusalScope.ACCOUNT

# Twilio's error codes when a message or a call is created (https://www.twilio.com/docs/api/errors), in our words.
# What counts as "later" stands beside them: TWILIO_LATER, 20429 and what has no code at all.
TWILIO_REFUSALS: Mapping[int, tuple[str, RefusalScope]] = MappingProxyType(
    {
        11100: ("callback_address", _ACCOUNT),  # an address we gave has the wrong form
        20003: ("credentials", _ACCOUNT),  # account or token wrong, or the account is closed
        20404: ("account_unknown", _ACCOUNT),  # no such account below this address
        21201: ("number_invalid", _CONTACT),  # no recipient given
        21205: ("callback_address", _ACCOUNT),  # an address we gave is not usable
        21210: ("sender_invalid", _ACCOUNT),  # our number is not one that may call
        21211: ("number_invalid", _CONTACT),  # the recipient's number cannot exist
        21212: ("sender_invalid", _ACCOUNT),  # our sender's number cannot exist
        21213: ("sender_invalid", _ACCOUNT),  # no sender given
        21214: ("no_route", _CONTACT),  # the number cannot be called
        21215: ("country_not_enabled", _MESSAGE),  # an operator must allow calls to this country
        21216: ("call_blocked", _MESSAGE),  # Twilio does not place this call
        21217: ("number_invalid", _CONTACT),
        21219: ("number_unverified", _CONTACT),  # a trial account calls only numbers verified with it
        21408: ("country_not_enabled", _MESSAGE),  # an operator must allow this country
        21602: ("text_missing", _MESSAGE),
        21603: ("sender_invalid", _ACCOUNT),  # no sender given
        21604: ("number_invalid", _CONTACT),  # no recipient given
        21606: ("sender_invalid", _ACCOUNT),  # the sender is not ours, or cannot send text messages
        21608: ("number_unverified", _CONTACT),  # a trial account reaches only numbers verified with it
        21609: ("callback_address", _ACCOUNT),  # the status callback is not an address Twilio can use
        21610: ("opted_out", _CONTACT),  # the recipient wrote STOP; only START undoes it
        21612: ("no_route", _CONTACT),  # no way from this sender to this number; a call may work
        21614: ("not_a_mobile", _CONTACT),  # a landline; a call may work
        21617: ("text_too_long", _MESSAGE),  # more than 1600 characters
        21657: ("sender_invalid", _ACCOUNT),  # the sender's name may not be used
        21659: ("sender_invalid", _ACCOUNT),  # the sender is not a number of this account
        30002: ("account_suspended", _ACCOUNT),
        30042: ("sender_unknown_there", _MESSAGE),  # the sender is not registered where this message goes
        63038: ("daily_cap", _ACCOUNT),  # the account's messages for this day are used up
    }
)


TWILIO_LATER: Mapping[int, str] = MappingProxyType({10004: "too_many_calls"})  # as many as the account may have at once


def read_twilio_error(http_status: int, code: int | None, retry_after_s: float | None) -> Outcome:
    """Return what Twilio's answer other than 2xx means; `code` is Twilio's own, `retry_after_s` its header.

    A server error says nothing about the message, except 503: that is said before anything is taken.
    An unknown answer of the 4xx kind is a refusal of this message; anything else is unclear.
    """
    if http_status == HTTP_UNAVAILABLE:
        return TryLater(reason="provider_unavailable", after_s=retry_after_s)
    if not 400 <= http_status < 500:  # noqa: PLR2004 - the range of HTTP's client errors
        return Unclear(reason=f"http_{http_status}")
    if code is not None and code in TWILIO_REFUSALS:
        reason, scope = TWILIO_REFUSALS[code]
        return Refused(reason=reason, scope=scope, code=str(code))
    if code is not None and code in TWILIO_LATER:
        return TryLater(reason=TWILIO_LATER[code], after_s=retry_after_s)
    if http_status == HTTP_TOO_MANY_REQUESTS:
        return TryLater(reason="too_many_requests", after_s=retry_after_s)
    if http_status == HTTP_REQUEST_TIMEOUT:
        return TryLater(reason="request_timeout", after_s=retry_after_s)
    return Refused(
        reason=_REFUSAL_BY_STATUS.get(http_status, "refused"),
        scope=_ACCOUNT if http_status in _REFUSAL_BY_STATUS else _MESSAGE,
        code=str(code if code is not None else http_status),
    )


_REFUSAL_BY_STATUS: Mapping[int, str] = MappingProxyType(
    {HTTP_UNAUTHORIZED: "credentials", HTTP_FORBIDDEN: "credentials", HTTP_NOT_FOUND: "account_unknown"}
)


class ReceiptKind(StrEnum):
    """What a receipt says about the message it belongs to."""

    PROGRESS = "progress"
    DELIVERED = "delivered"
    FAILED_PERMANENTLY = "failed_permanently"
    FAILED_TRY_OTHER_CHANNEL = "failed_try_other_channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptMeaning:
    """One receipt in our words; `rank` orders those of one message, `code` is the provider's or "".

    `FAILED_PERMANENTLY` means that this channel will never reach this recipient; the other failure may pass.
    """

    kind: ReceiptKind
    rank: int
    reason: str
    code: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the provider says nothing more after this."""
        return self.rank >= RANK_FAILED

    def moves_on_from(self, earlier: "ReceiptMeaning | None") -> bool:
        """Whether this receipt says more than `earlier`; receipts come repeated and out of order."""
        return self.rank > (earlier.rank if earlier else 0)


RANK_FAILED = 10
RANK_DELIVERED = 11  # above failed: a carrier that reports a failure may still deliver, never the reverse

_PROGRESS_RANKS: Mapping[str, int] = MappingProxyType(
    {"accepted": 1, "scheduled": 1, "queued": 2, "sending": 3, "sent": 4}
)
_DELIVERED_WORDS = frozenset({"delivered", "read"})
_FAILED_WORDS = frozenset({"undelivered", "failed", "canceled", "partially_delivered"})

# Twilio's error codes in receipts: our word, and whether this channel is lost for this recipient.
TWILIO_RECEIPT_FAILURES: Mapping[int, tuple[str, bool]] = MappingProxyType(
    {
        21211: ("number_invalid", True),
        21610: ("opted_out", True),
        21612: ("no_route", True),
        21614: ("not_a_mobile", True),
        30001: ("queue_overflow", False),  # too much was waiting at the provider
        30002: ("account_suspended", False),
        30003: ("handset_unreachable", False),  # switched off or out of coverage
        30004: ("blocked", False),  # the carrier or the recipient blocks this sender
        30005: ("number_unknown", True),  # the number is not in use
        30006: ("not_a_mobile", True),  # landline, or a carrier that cannot be reached
        30007: ("filtered", False),  # the carrier took it for spam
        30008: ("unknown", False),  # the carrier gives no reason
        30009: ("segment_lost", False),
        30010: ("price_cap", False),
        30024: ("sender_unknown_there", False),  # this carrier does not know the sender; others may
        30042: ("sender_unknown_there", False),
        30410: ("carrier_timeout", False),  # may still arrive
        63038: ("daily_cap", False),
    }
)


def read_receipt(message_status: str, error_code: int | str | None = None) -> ReceiptMeaning:
    """Return what a status callback says; both values are as they stand in its form, "" or None for no error.

    A word we do not know ranks 0: it changes nothing.
    """
    if message_status in _DELIVERED_WORDS:
        return ReceiptMeaning(kind=ReceiptKind.DELIVERED, rank=RANK_DELIVERED, reason=message_status)
    if message_status in _FAILED_WORDS:
        code = str(error_code or "")
        known = TWILIO_RECEIPT_FAILURES.get(int(code)) if code.isascii() and code.isdigit() else None
        reason, for_good = known or (message_status, False)
        kind = ReceiptKind.FAILED_PERMANENTLY if for_good else ReceiptKind.FAILED_TRY_OTHER_CHANNEL
        return ReceiptMeaning(kind=kind, rank=RANK_FAILED, reason=reason, code=code[:16])
    rank = _PROGRESS_RANKS.get(message_status, 0)
    return ReceiptMeaning(kind=ReceiptKind.PROGRESS, rank=rank, reason=message_status if rank else "unknown_status")
