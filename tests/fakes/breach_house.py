"""Sealed stores with a few people, in which a breach is told of: the watch, and providers that only say how it went."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.breaches import Affected, Breach, BreachKind, NoticeWords, ReportWords
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.processing import Controller
from isocket.domain.regulation import Risk
from isocket.storage import breach_register as register
from isocket.storage.breach_register import Opening
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from privacy.breach_watch import BreachWatch
from tests.fakes.clock import ManualClock

CONTROLLER = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
OPERATOR = "operator@example.org"
PUBLIC_URL = "https://cloud.example.org"
NOTICE = {
    "en": NoticeWords(
        happened="Strangers could read a list of numbers.",
        consequences="Somebody may call you and ask for a password.",
        measures="The list was taken away within an hour.",
        advice="We never ask for your password.",
    ),
    "fi": NoticeWords(
        happened="Ulkopuoliset saattoivat lukea luettelon numeroista.",
        consequences="Joku voi soittaa sinulle ja kysyä salasanaa.",
        measures="Luettelo poistettiin tunnin sisällä.",
    ),
}
REPORT = {"en": ReportWords(done="Lists of numbers are not written into files any more.")}


@dataclass(slots=True)
class BreachHouse:
    """Whoever is in it is told of a breach."""

    clock: ManualClock = field(default_factory=ManualClock)
    keyring: MemoryKeyring = field(default_factory=MemoryKeyring)
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        self.records = StoredRecords(SealedDocuments(MemoryDocuments(), self.keyring))

    def watch(self, records: Records | None = None) -> BreachWatch:
        return BreachWatch(
            records=records or self.records,
            clock=self.clock,
            controller=CONTROLLER,
            public_url=PUBLIC_URL,
            operator_email=OPERATOR,
        )

    async def account(self, who: str, **more: Any) -> str:
        made = Account(id=f"acc_{who}", email=f"{who}@example.org", created_at=self.clock.now(), **more)
        await self.records.add(made)
        return made.id

    async def staff(self) -> str:
        return await self.account("kai", role=AccountRole.STAFF, staff_roles=(StaffRole.PRIVACY,))

    async def contact(self, name: str, owner: str, **more: Any) -> str:
        made = Contact(id=f"con_{name}", account_id=owner, name=name, created_at=self.clock.now(), **more)
        await self.records.add(made)
        return made.id

    async def socket(self, owner: str) -> None:
        now = self.clock.now()
        await self.records.add(
            Device(
                id=f"is_{owner}", model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now,
                owner_id=owner, claimed_at=now, name="Cabin",
            )
        )  # fmt: skip

    def opening(self, *scope: str, **more: Any) -> Opening:
        now = self.clock.now()
        given: dict[str, Any] = {
            "what": "A list of telephone numbers lay open.",
            "kinds": (BreachKind.CONFIDENTIALITY,),
            "risk": Risk.LIKELY,
            "why_risk": "Numbers can be called.",
            "aware_at": now,
            "began_at": now - timedelta(days=2),
            **more,
        }
        return Opening(scope=scope, **given)

    async def open(self, *scope: str, **more: Any) -> Breach:
        made = await register.open_breach(
            self.records, self.opening(*scope, **more), by="acc_kai", now=self.clock.now()
        )
        assert isinstance(made, Breach), made
        return made

    async def breach(self) -> Breach:
        (found,) = await self.records.find(Breach)
        return found

    async def rows(self) -> dict[str, Affected]:
        return {each.person_id: each for each in await self.records.find(Affected)}

    async def counted(self, *scope: str, **more: Any) -> set[str]:
        """Open a breach and return whom it concerns."""
        await self.open(*scope, **more)
        await self.watch().round()
        return set(await self.rows())

    async def notify(self) -> None:
        done = await register.give_notice(self.records, await self.breach(), NOTICE, now=self.clock.now())
        assert isinstance(done, Breach), done
        await self.clock.advance(1)
        await self.watch().round()

    async def report(self) -> None:
        done = await register.give_report(self.records, await self.breach(), REPORT, now=self.clock.now())
        assert isinstance(done, Breach), done
        await self.clock.advance(1)
        await self.watch().round()

    async def to(self, address: str) -> list[Delivery]:
        """Return what was made for an address, the oldest first."""
        found = await self.records.find(Delivery, order_by="created_at")
        return [each for each in found if each.address == address]

    async def end(self, state: DeliveryState, channels: Sequence[ChannelKind] = tuple(ChannelKind)) -> None:
        """Let everything that waits end so, and the watch see it."""
        for channel in channels:
            due = (is_("state", DeliveryState.DUE), is_("channel", channel))
            await self.records.change_all(Delivery, *due, state=state)
        await self.watch().round()
