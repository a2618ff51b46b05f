"""Sends a newsletter to everybody who wants it now: as stored mails that go slowly, each with a way out.

Whoever leaves meanwhile gets none: the last look before each mail asks the store once more. Readers agreed to two a
month, in these words; so whoever had two others within a month is passed over.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import quote

from isocket.domain.consents import Subscription, SubscriptionState, Suppression
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import MOST_TURNS, Delivery, DeliveryKind, DeliveryState
from isocket.domain.newsletter_letters import LEAVE_PATH, ONE_CLICK_PATH, newsletter_text
from isocket.domain.periods import months_later
from isocket.domain.processing import Controller
from isocket.domain.restrictions import (
    Objection,
    ObjectionTo,
    Restriction,
    is_left_alone,
    objection_id,
    restriction_id,
)
from isocket.domain.stops import Stop, stopped_address
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, above, every, is_, is_not
from isocket.storage.suppressed import suppression_id

log = get_logger(__name__)

MOST_A_MONTH = 2  # what the words of the consent say
PER_MINUTE = 60
USEFUL = timedelta(days=3)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One newsletter. The same words are the same issue: sent twice, it reaches nobody twice."""

    subject: str
    text: str

    @property
    def id(self) -> str:
        """Return what tells it from others."""
        return hashlib.sha256(f"{self.subject}\n\n{self.text}".encode()).hexdigest()[:26]


class Newsletter:
    """Makes the mails of an issue."""

    def __init__(
        self, *, records: Records, keyring: Keyring, clock: Clock, controller: Controller, public_url: str
    ) -> None:
        self._records = records
        self._keyring = keyring
        self._clock = clock
        self._controller = controller
        self._public_url = public_url.rstrip("/")

    async def send(self, issue: Issue, *, per_minute: int = PER_MINUTE) -> int:
        """Store a mail for each reader, so many due a minute; return how many are new."""
        begin, made = self._clock.now(), list[Delivery]()
        number = new = passed_over = 0
        confirmed = is_("state", SubscriptionState.CONFIRMED)
        async for reader in every(self._records, Subscription, confirmed, page=_AT_ONCE):
            if await self._is_left_alone(reader, begin):
                continue
            mail = self._mail(issue, reader, begin + timedelta(seconds=number * 60 / per_minute), begin)
            if await self._had_enough(mail):
                passed_over += 1
                continue
            made.append(mail)
            number += 1
            if len(made) >= _AT_ONCE:
                new += await self._records.add_all(made)
                made = []
        new += await self._records.add_all(made)
        log.info("newsletter_due", messages=new, passed_over=passed_over)
        return new

    async def _had_enough(self, mail: Delivery) -> bool:
        """Return whether its reader had as many others as they agreed to, since the same day a month ago.

        One that was called off before it went was never had, such as while they objected.
        """
        until = months_later(mail.created_at, -1)
        others = await self._records.count(
            Delivery,
            is_("account_id", mail.account_id),
            is_("lane", mail.lane),
            above("created_at", datetime.combine(until, time.max, until.tzinfo)),
            is_("kind", DeliveryKind.NEWSLETTER),
            is_not("state", DeliveryState.CALLED_OFF),
            is_not("id", mail.id),
        )
        return others >= MOST_A_MONTH

    async def _is_left_alone(self, reader: Subscription, now: datetime) -> bool:
        """Return whether a reader objects, said stop, left before a backup was restored, or may only be kept."""
        objection = await self._records.get(Objection, objection_id(reader.account_id, ObjectionTo.NEWSLETTER))
        restriction = await self._records.get(Restriction, restriction_id(reader.account_id))
        if is_left_alone(restriction, objection, now) or not reader.email:
            return True
        if await self._records.count(Stop, is_("address", stopped_address(reader.email))):
            return True
        return await self._records.get(Suppression, await suppression_id(self._keyring, reader.email)) is not None

    def _mail(self, issue: Issue, reader: Subscription, due: datetime, now: datetime) -> Delivery:
        token = quote(reader.leave_token)
        leave = f"{self._public_url}{LEAVE_PATH}?token={token}"
        return Delivery(
            id=derived_id("del", "newsletter", issue.id, reader.id),
            account_id=reader.account_id,
            person_id=reader.reader_id,
            kind=DeliveryKind.NEWSLETTER,
            channel=ChannelKind.EMAIL,
            address=reader.email,
            subject_line=issue.subject,
            text=newsletter_text(reader.language, issue.text, leave=leave, sender=self._controller.signature),
            unsubscribe_url=f"{self._public_url}{ONE_CLICK_PATH}?token={token}",
            created_at=now,
            due_at=due,
            expires_at=due + USEFUL,
            turn=MOST_TURNS,  # behind whatever else goes by mail
        )
