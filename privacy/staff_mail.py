"""Mails to those who have to see to something by a day: the operator, and all staff for privacy."""

from datetime import datetime, timedelta

from isocket.domain.accounts import Account, AccountRole, StaffRole, is_over
from isocket.domain.deliveries import Delivery
from isocket.domain.letters import Letter
from isocket.storage.port import Records, is_

Reader = tuple[str, str]
"""Whose key a mail is sealed under, and the address."""

OPERATOR = "operator"
_USEFUL = timedelta(days=7)


async def readers(records: Records, operator_email: str | None, now: datetime) -> list[Reader]:
    """Return who is told: the operator, and all staff who look after people's rights and are let in now."""
    staff = await records.find(Account, is_("role", AccountRole.STAFF))
    here = [each for each in staff if not is_over(each, now)]
    found = [(each.id, each.email) for each in here if StaffRole.PRIVACY in each.staff_roles]
    return [*([(OPERATOR, operator_email)] if operator_email else []), *found]


def to_staff(reader: Reader, letter: Letter, *, key: tuple[str | int, ...], now: datetime) -> Delivery:
    """Return the mail; the same `key` makes it once for each reader."""
    person, address = reader
    return Delivery.of(letter, person_id=person, address=address, once=(*key, person), now=now, useful=_USEFUL)
