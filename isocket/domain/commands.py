"""Orders to a socket, each with an end, an asker and an answer."""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import COMMAND_FACT, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH


class CommandStatus(StrEnum):
    """Where a command stands. The broker's acknowledgement is none of these: only the socket's answer counts."""

    QUEUED = "queued"
    SENT = "sent"
    EXECUTED = "executed"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"


class CommandCause(StrEnum):
    """By which way somebody asked for a command."""

    REQUEST = "request"  # the API or a page
    HOME_ASSISTANT = "home_assistant"


COMMAND_NAMES = (
    "on", "off", "on_for", "off_for", "restart", "pulse", "aux_on", "aux_off",
    "arm", "disarm", "status", "credit", "reboot",
)  # fmt: skip

SWITCHING_TTL_S = 30  # nobody wants a heater to go on an hour after they asked
ASKING_TTL_S = 300
SUPERSEDED = "superseded"  # the error of a command that was never sent, since a later one says otherwise
ACCESS_ENDED = "access_ended"  # of one that waited when whoever asked for it was let at the socket no longer
_SUPERSEDING = (
    frozenset({"on", "off", "on_for", "off_for"}),
    frozenset({"aux_on", "aux_off"}),
    frozenset({"arm", "disarm"}),
)


def superseded_by(name: str) -> tuple[str, ...]:
    """Return the commands of which a later one called `name` leaves nothing: those that set the same thing."""
    return tuple(sorted(next((group for group in _SUPERSEDING if name in group), frozenset())))


@record(
    collection="commands",
    subject="account_id",
    account="account_id",
    indexed=(("status", "created_at"), ("device_id", "created_at"), ("status", "failure_seen", "ended_at")),
    followed=("status",),
)
class Command(Record):
    """One order. A socket must not carry it out after `expires_at`, nor twice."""

    device_id: Plain[str]
    account_id: Annotated[str, COMMAND_FACT]  # who asked
    cause: Annotated[CommandCause, COMMAND_FACT] = CommandCause.REQUEST
    asked_with: Annotated[str | None, COMMAND_FACT] = None  # the API token, or the login of a home; None: in person
    name: Annotated[str, COMMAND_FACT]
    args: Annotated[dict[str, Any], COMMAND_FACT] = field(default_factory=dict)
    status: Annotated[CommandStatus, COMMAND_FACT] = CommandStatus.QUEUED
    error: Annotated[str | None, COMMAND_FACT] = None
    created_at: Annotated[datetime, COMMAND_FACT]
    expires_at: Plain[datetime]
    sent_at: Annotated[datetime | None, COMMAND_FACT] = None
    ended_at: Annotated[datetime | None, COMMAND_FACT] = None
    failure_seen: Plain[bool] = False  # that it came to nothing was looked at by the alarm service
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then
