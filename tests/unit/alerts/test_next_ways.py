"""By which way somebody is told next when a message does not get through; how it plays out is in the room's tests."""

import pytest

from alerts.endings import EXPIRED
from alerts.next_ways import FREE_WAYS, again_after_s, next_channel
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Severity
from isocket.domain.reach import SPENDING_CAP
from tests.fakes.clock import NOON


def delivery(
    channel: ChannelKind = ChannelKind.SMS, kind: DeliveryKind = DeliveryKind.ALARM, **more: object
) -> Delivery:
    return Delivery(
        id=f"dlv_{channel}",
        account_id="acc_1",
        person_id="con_1",
        kind=kind,
        channel=channel,
        address="+447700900001",
        text="mains power is out",
        severity=Severity.MAJOR,
        created_at=NOON,
        due_at=NOON,
        **more,  # type: ignore[arg-type]  # fields of the delivery
    )


def test_what_is_no_news_any_more_goes_by_no_other_way() -> None:
    assert next_channel(delivery(), "handset_unreachable", ChannelKind, ()) is not None
    assert next_channel(delivery(), EXPIRED, ChannelKind, ()) is None


def test_what_money_keeps_back_goes_by_one_way_that_costs_nothing() -> None:
    assert next_channel(delivery(), SPENDING_CAP, ChannelKind, ()) is FREE_WAYS[0]
    for state, told in ((DeliveryState.DUE, True), (DeliveryState.SENT, True), (DeliveryState.FAILED, False)):
        mail = delivery(ChannelKind.EMAIL, state=state, reason="" if told else "address_unknown")
        assert (next_channel(delivery(), SPENDING_CAP, ChannelKind, [mail]) is None) is told, state


@pytest.mark.parametrize("reason", ["handset_unreachable", "account_suspended"])
def test_only_an_alarm_is_tried_by_the_same_way_once_more(reason: str) -> None:
    assert again_after_s(delivery(), reason, providers=2) is not None
    for kind in set(DeliveryKind) - {DeliveryKind.ALARM}:
        assert again_after_s(delivery(kind=kind), reason, providers=2) is None
