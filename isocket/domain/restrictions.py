"""Data that may only be kept for now (Art. 18), and uses that somebody objects to (Art. 21)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import Basis, Category, Handling, Keep, Purpose
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

RIGHT_FACT = Handling(category=Category.CHOICE, purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.ACCOUNT)

RESTRICTED = "restricted"
"""The reason of a timeline's line and of a message that is not sent."""

OBJECTED = "objected"
"""The reason for which a contact is paused who objects to being told of alarms."""


class AlarmsMeanwhile(StrEnum):
    """What a restriction does to alarms: the owner is told and chooses."""

    CONTINUE = "continue"
    STOP = "stop"


@record(collection="restrictions", subject="account_id", account="account_id")
class Restriction(Record):
    """An account whose data is only kept, read by its holder, and used for alarms if they chose so.

    One an account, see `restriction_id`. It ends by itself at `lifts_at`, which was announced before (Art. 18(3)).
    """

    account_id: Annotated[str, RIGHT_FACT]
    since: Annotated[datetime, RIGHT_FACT]
    alarms: Annotated[AlarmsMeanwhile, RIGHT_FACT] = AlarmsMeanwhile.CONTINUE
    lifts_at: Annotated[datetime | None, RIGHT_FACT] = None
    lifted_by: Annotated[str, RIGHT_FACT] = ""  # "person" or "operator"

    def is_in_force(self, now: datetime) -> bool:
        """Return whether it holds."""
        return self.lifts_at is None or now < self.lifts_at

    def stops_alarms(self, now: datetime) -> bool:
        """Return whether nobody is to be told of alarms."""
        return self.alarms is AlarmsMeanwhile.STOP and self.is_in_force(now)


def restriction_id(account_id: str) -> str:
    """Return the id under which an account's restriction is, if there is one."""
    return derived_id("res", account_id)


class ObjectionTo(StrEnum):
    """A purpose that the holder of an account may object to. Alarms are objected to by being paused."""

    NEWSLETTER = "newsletter"
    STATISTICS = "statistics"
    SURVEYS = "surveys"


@record(collection="objections", subject="account_id", account="account_id", indexed=(("account_id",),))
class Objection(Record):
    """One objection; it goes when it is taken back. See `objection_id`."""

    account_id: Annotated[str, RIGHT_FACT]
    to: Annotated[ObjectionTo, RIGHT_FACT]
    at: Annotated[datetime, RIGHT_FACT]


def objection_id(account_id: str, to: ObjectionTo) -> str:
    """Return the id under which an account's objection to this purpose is, if there is one."""
    return derived_id("obj", account_id, to)


def is_left_alone(restriction: Restriction | None, objection: Objection | None, now: datetime) -> bool:
    """Return whether an account must not be used for a purpose that it can object to."""
    return objection is not None or (restriction is not None and restriction.is_in_force(now))
