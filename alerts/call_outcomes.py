"""What a call's end says about whoever was called: only a key tells that a person heard it."""

from collections.abc import Mapping
from types import MappingProxyType

from alerts.outcomes import RANK_DELIVERED, RANK_FAILED, ReceiptKind, ReceiptMeaning
from isocket.domain.deliveries import KEY_PRESSED, DeliveryKind

NO_KEY = "no_key"
LINE_BUSY = "line_busy"
CALL_NOT_ANSWERED = "call_not_answered"

_PROGRESS_RANKS: Mapping[str, int] = MappingProxyType({"queued": 1, "initiated": 2, "ringing": 3, "in-progress": 4})
_NOT_REACHED: Mapping[str, str] = MappingProxyType(
    {"busy": LINE_BUSY, "no-answer": CALL_NOT_ANSWERED, "failed": "call_failed", "canceled": "canceled"}
)


def read_call_receipt(call_status: str, kind: DeliveryKind) -> ReceiptMeaning:
    """Return what a call's status callback says about a delivery of this kind.

    A call that was completed without a key was heard by a voicemail, by somebody asleep or by nobody: of an alarm
    that is a failure, after which others are told. A key that comes before or after it in the post overrules it. Of
    what is only said, such as a code, completed is all that can be known.
    """
    if call_status == KEY_PRESSED:
        return ReceiptMeaning(kind=ReceiptKind.DELIVERED, rank=RANK_DELIVERED, reason=KEY_PRESSED)
    if call_status == "completed":
        if kind is DeliveryKind.ALARM:  # anything else asks for no key
            return _failed(NO_KEY)
        return ReceiptMeaning(kind=ReceiptKind.DELIVERED, rank=RANK_DELIVERED, reason="said")
    if call_status in _NOT_REACHED:
        return _failed(_NOT_REACHED[call_status])
    rank = _PROGRESS_RANKS.get(call_status, 0)
    return ReceiptMeaning(kind=ReceiptKind.PROGRESS, rank=rank, reason=call_status if rank else "unknown_status")


def _failed(reason: str) -> ReceiptMeaning:
    return ReceiptMeaning(kind=ReceiptKind.FAILED_TRY_OTHER_CHANNEL, rank=RANK_FAILED, reason=reason)
