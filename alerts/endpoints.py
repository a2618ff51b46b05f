"""What a channel learns of an endpoint while it sends: that it has answered, or that it is no more."""

from datetime import datetime

from alerts.notices import NOTICE_LIFE
from alerts.wording import Reader
from alerts.wording.endpoint_texts import gone_notice
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import Endpoint
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.looked_at_again import ladders_looked_at_after
from isocket.storage.port import Records, StoreUnavailableError, is_

log = get_logger(__name__)

WEB_PUSH, WEBHOOK = "web_push", "webhook"
TO_ENDPOINTS = (WEB_PUSH, WEBHOOK)
"""The names by which attempts call the two channels. No provider of ours stands behind them: one customer's browser or
program that never answers says nothing of how we do."""


class Endpoints:
    """Reads endpoints and writes down what was learnt of them, as long as they are still the ones that were read."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url

    async def read(self, endpoint_id: str, kind: ChannelKind) -> Endpoint | None:
        """Return the endpoint if it is of this kind and not gone."""
        endpoint = await self._records.get(Endpoint, endpoint_id)
        return endpoint if endpoint is not None and endpoint.kind is kind and endpoint.gone_at is None else None

    async def prove(self, endpoint: Endpoint) -> None:
        """Let an endpoint get alarms from now on: it has answered to what only it could read."""
        if endpoint.verified_at is not None:
            return
        same = is_("id", endpoint.id), is_("version", endpoint.version)
        async with ladders_looked_at_after(self._records, endpoint.account_id, self._clock):
            proved = await self._records.change_one(Endpoint, *same, verified_at=self._clock.now())
        if proved is not None:
            log.info("endpoint_verified", endpoint_id=endpoint.id, kind=endpoint.kind.value)

    async def lose(self, endpoint: Endpoint, reason: str) -> None:
        """Send nothing more to an endpoint that is no more, and tell owner and contact that they lost a way.

        The notices come first, with ids of their own endpoint: whoever does it twice tells nobody twice. One that
        was given a new subscription meanwhile is another by then and stays. Where the store will not have it, whoever
        sends there next learns the same: what became of this message is known.
        """
        try:
            await self._write_off(endpoint, reason)
        except StoreUnavailableError:
            log.warning("endpoint_gone_not_stored", endpoint_id=endpoint.id, reason=reason)

    async def _write_off(self, endpoint: Endpoint, reason: str) -> None:
        now = self._clock.now()
        same = await self._records.get(Endpoint, endpoint.id)
        if same is None or same.version != endpoint.version:
            return
        if endpoint.verified_at is not None:  # nobody counted on what never answered
            await self._records.add_all(await self._notices(endpoint, now))
        await self._records.change_one(
            Endpoint,
            is_("id", endpoint.id),
            is_("version", endpoint.version),
            gone_at=now,
            gone_reason=reason,
        )
        log.info("endpoint_gone", endpoint_id=endpoint.id, kind=endpoint.kind.value, reason=reason)

    async def _notices(self, endpoint: Endpoint, now: datetime) -> list[Delivery]:
        """Return a mail to the owner, and one to the contact where that is another with a mailbox of their own."""
        account = await self._records.get(Account, endpoint.account_id)
        contact = await self._records.get(Contact, endpoint.contact_id)
        found: list[Delivery] = []
        if account is not None:
            found.append(self._notice(endpoint, Reader.of(account), to=account.email, person_id=account.id, now=now))
        other = contact is not None and (account is None or contact.email != account.email)
        if contact is not None and other and contact.email and contact.email_verified_at and not contact.paused_at:
            reader, to = Reader.of(contact), contact.email
            found.append(self._notice(endpoint, reader, to=to, person_id=contact.id, now=now, contact_id=contact.id))
        return found

    def _notice(
        self,
        endpoint: Endpoint,
        reader: Reader,
        *,
        to: str,
        person_id: str,
        now: datetime,
        contact_id: str | None = None,
    ) -> Delivery:
        said = gone_notice(endpoint.kind, reader, link=None if contact_id else self._link(endpoint))
        return Delivery(
            id=derived_id("dlv", endpoint.id, "gone", endpoint.version, person_id),
            account_id=endpoint.account_id,
            person_id=person_id,
            contact_id=contact_id,
            kind=DeliveryKind.NOTICE,
            channel=ChannelKind.EMAIL,
            address=to,
            subject_line=said.subject,
            text=said.text,
            created_at=now,
            due_at=now,
            expires_at=now + NOTICE_LIFE,
        )

    def _link(self, endpoint: Endpoint) -> str:
        return f"{self._public_url.rstrip('/')}/contacts/{endpoint.contact_id}/endpoints"
