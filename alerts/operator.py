"""Whoever runs this cloud, told of trouble of its own: once for each event, by every way they gave."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.channels.gsm7 import SEGMENT_SEPTETS, to_gsm7
from alerts.wording.phrases import cut
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records

log = get_logger(__name__)

OPERATOR = "operator"
"""Stands for an account and a person in deliveries to whoever runs the cloud."""

LIFE = timedelta(hours=12)
_BRAND = "iSocket Cloud: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """How they are reached. Without both, the log, the metrics and the outside heartbeat must do."""

    email: str | None = None
    phone: str | None = None

    def ways(self) -> tuple[tuple[ChannelKind, str], ...]:
        """Return every way and its address: what is broken may be one of them."""
        given = ((ChannelKind.EMAIL, self.email), (ChannelKind.SMS, self.phone))
        return tuple((channel, address) for channel, address in given if address)

    def by_mail(self) -> "Operator":
        """Return them without their telephone, for what need not wake anybody."""
        return Operator(email=self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What the operator is told: a line that fits a text message, and what to do about it. In English."""

    headline: str
    advice: str = ""


async def tell_operator(records: Records, operator: Operator, kind: str, key: str, news: News, *, now: datetime) -> int:
    """Make the notices about one event and return how many were new; the same `kind` and `key` tell it once."""
    made = [_notice(f"{kind} {key}", channel, address, news, now) for channel, address in operator.ways()]
    new = await records.add_all(made)
    if new:
        log.error("operator_told", kind=kind)
    return new


def _notice(event: str, channel: ChannelKind, address: str, news: News, now: datetime) -> Delivery:
    by_mail = channel is ChannelKind.EMAIL
    text = f"{news.headline}.\n\n{news.advice}\n" if by_mail else cut(to_gsm7(_BRAND + news.headline), SEGMENT_SEPTETS)
    return Delivery(
        id=derived_id("dlv", OPERATOR, event, channel),
        account_id=OPERATOR,
        person_id=OPERATOR,
        kind=DeliveryKind.NOTICE,
        channel=channel,
        address=address,
        subject_line=_BRAND + news.headline if by_mail else "",
        text=text,
        created_at=now,
        due_at=now,
        expires_at=now + LIFE,
    )
