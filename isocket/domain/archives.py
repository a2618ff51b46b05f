"""Archives: what law wants kept of a customer who left, sealed to the managers; the store knows only that it is there.

An account ends when its holder closes it; signing in opens it again. Two years after that, or after the warranty of
the last socket where that is later, it is sealed and erased from the store.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from isocket.domain.accounts import Account
from isocket.domain.handling import Basis, Category, Export, Handling, Keep, OnErasure, Plain, Purpose
from isocket.domain.periods import FinancialYear, months_later, years_later
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

ARCHIVE_FACT = Handling(
    purpose=Purpose.SERVICE,
    basis=Basis.LEGAL_DUTY,
    keep=Keep.ACCOUNT,  # until the archive is whole; then it names nobody
    on_erasure=OnErasure.BLANK,
    export=Export.WITHHELD,
)
ARCHIVE_HOLDER = Handling(
    category=Category.MAIL_ADDRESS,
    purpose=Purpose.SERVICE,
    basis=Basis.LEGAL_DUTY,
    keep=Keep.ARCHIVE,
    on_erasure=OnErasure.KEEP,
    export=Export.WITHHELD,  # a keyed hash
)


class ArchiveState(StrEnum):
    """How far an archive has come."""

    SEALING = "sealing"
    SEALED = "sealed"
    DESTROYED = "destroyed"


@record(collection="archives", indexed=(("state", "destroy_at"), ("holder",)))
class Archive(Record):
    """One archive. `holder` is a keyed hash of the mailbox, by which managers find it when somebody comes back."""

    account_id: Annotated[str, ARCHIVE_FACT]
    holder: Annotated[str, ARCHIVE_HOLDER] = ""
    state: Plain[ArchiveState] = ArchiveState.SEALING
    begun_at: Plain[datetime]
    ended_at: Plain[datetime]  # as it stood in the account when this began
    destroy_at: Plain[datetime]
    digest: Plain[str] = ""
    counts: Plain[dict[str, Any]] = field(default_factory=dict)
    sealed_at: Plain[datetime | None] = None
    destroyed_at: Plain[datetime | None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTerms:
    """How long things are kept here: each country has its own law, so each number is a setting.

    `warranty_months` count from the day a socket is claimed, `wait_years` from the end of the account or of the
    warranty, whichever is later, `keep_years` from the end of the financial year in which the relation ended, by the
    calendar of `time_zone`.
    """

    warranty_months: int = 24
    wait_years: int = 2
    keep_years: int = 10
    financial_year: FinancialYear = field(default_factory=FinancialYear)
    time_zone: str = "UTC"

    def warranty_of(self, claimed_at: datetime) -> datetime:
        """Return when the warranty of a socket that was claimed then is over."""
        return months_later(claimed_at, self.warranty_months)

    def relation_ends(self, account: Account) -> datetime | None:
        """Return when nothing is owed any more, None while the account is in use."""
        if account.ended_at is None:
            return None
        return max(account.ended_at, account.warranty_until or account.ended_at)

    def sealed_from(self, account: Account) -> datetime | None:
        """Return from when on the account is to be sealed, None while it is in use."""
        ends = self.relation_ends(account)
        return None if ends is None else years_later(ends, self.wait_years)

    def destroyed_from(self, account: Account) -> datetime | None:
        """Return when its archive is to be destroyed, None while it is in use."""
        ends = self.relation_ends(account)
        if ends is None:
            return None
        books_closed = self.financial_year.end_after(ends.astimezone(ZoneInfo(self.time_zone)))
        return years_later(books_closed, self.keep_years).astimezone(UTC)


def archive_id(account_id: str, ended_at: datetime) -> str:
    """Return the id of the archive of an account that ended then."""
    return derived_id("arc", account_id, ended_at.isoformat())
