"""Who of the house is warned when a deadline of the law comes near, and by which letter."""

from datetime import datetime, timedelta

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter
from isocket.kit.ids import derived_id
from isocket.storage.port import Records, is_

OPERATOR = "operator"
USEFUL = timedelta(days=7)


async def readers(records: Records, operator_email: str | None) -> list[tuple[str, str]]:
    """Return id and mailbox of the operator, and of all staff who look after people's rights."""
    staff = await records.find(Account, is_("role", AccountRole.STAFF))
    found = [(each.id, each.email) for each in staff if StaffRole.PRIVACY in each.staff_roles]
    return [*([(OPERATOR, operator_email)] if operator_email else []), *found]


def mail_to(person: str, address: str, letter: Letter, *, now: datetime, because: tuple[str | int, ...]) -> Delivery:
    """Return a letter to one of them; for the same reason there is one only."""
    return Delivery(
        id=derived_id("del", "warned", *because, person),
        account_id=person,
        person_id=person,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=address,
        subject_line=letter.subject,
        text=letter.text,
        created_at=now,
        due_at=now,
        expires_at=now + USEFUL,
    )
