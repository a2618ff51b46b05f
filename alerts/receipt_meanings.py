"""What a stored receipt says: texts are told of in the same words by every provider, calls in words of their own."""

from alerts.call_outcomes import read_call_receipt
from alerts.outcomes import ReceiptMeaning, read_receipt
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery


def meaning_of(status: str, error_code: int | str | None, delivery: Delivery) -> ReceiptMeaning:
    """Return what a provider's word means for this delivery."""
    if delivery.channel is ChannelKind.VOICE:
        return read_call_receipt(status, delivery.kind)
    return read_receipt(status, error_code)
