"""Who or what moved the relay of a socket: its owner, a guest, the schedule, the thermostat, a button."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.api_tokens import Scope
from isocket.domain.commands import Command, CommandStatus
from isocket.kit.clock import from_ms
from isocket.storage.port import above, at_most, is_, one_of
from portal_api.commands import By, askers
from portal_api.models import GivenInstant, Instant, Query, View
from portal_api.owned import Need, Standing, standing_for
from portal_api.problem import Problem, fault
from portal_api.routes import AnyRoute, Call, Route

LONGEST = timedelta(days=31)
USUAL = timedelta(days=1)
_POINTS = 10_000  # of reports, read at a time
_MOVING = ("on", "off", "on_for", "off_for", "restart", "pulse")
_APART = timedelta(seconds=60)  # between the answer to a command and the report of what it did, at most


class SwitchingQuery(Query):
    """Which part of the history."""

    start: GivenInstant | None = Field(
        default=None, alias="from", description="From this moment on; a day before `to` if absent."
    )
    end: GivenInstant | None = Field(default=None, alias="to", description="Until before this moment; now if absent.")


class Switching(View):
    """One move of the relay."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-22T12:00:00.412Z",
                    "relay": True,
                    "cause": "user_cloud",
                    "command_id": "cmd_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "by": "guest",
                    "by_email": "pekka@example.org",
                }
            ]
        }
    )

    at: Instant = Field(description="When the socket said so, by its own clock where that is good.")
    relay: bool = Field(description="How it stands since.")
    cause: str = Field(description="As the socket tells it: `schedule`, `thermostat`, `button` …; else `unknown`.")
    command_id: str | None = Field(description="Of `user_cloud`: the command, where it is known.")
    by: By | None
    by_email: str | None = Field(description="Of a guest, for the owner.")


class Switchings(View):
    """Moves of the relay, the newest first; all of the period, which is 31 days at most."""

    items: list[Switching]
    next: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    at: datetime
    relay: bool
    cause: str


async def show(call: Call[None, SwitchingQuery]) -> Switchings | Problem:
    """Show each move of the relay in a period: when, why, and of what was asked for here, by whom."""
    standing, query = await standing_for(call, Need.VIEW), call.query
    end = query.end or call.clock.now()
    start = query.start or end - USUAL
    if start > end:
        return fault("from", "It is after `to`.")
    if end - start > LONGEST:
        return fault("from", f"At most {LONGEST.days} days at a time.")
    start = min(max(start, standing.since or start), end)
    moves = [each async for each in _moves(call, standing.device.id, start, end)]
    commands = await _commands(call, standing, moves)
    who = await askers(call, standing, commands)
    items = []
    for move in reversed(moves):
        command = _command_of(move, commands)
        asker = who[command.id] if command else None
        items.append(
            Switching(
                at=move.at,
                relay=move.relay,
                cause=move.cause,
                command_id=command.id if command else None,
                by=asker.by if asker else None,
                by_email=asker.email if asker else None,
            )
        )
    return Switchings(items=items)


async def _moves(call: Call[Any, Any], device_id: str, start: datetime, end: datetime) -> AsyncIterator[_Move]:
    """Yield each report by which the relay stands otherwise than by the one before."""
    cursor, stood = None, None
    while True:
        page = await call.portal.telemetry.series(
            device_id, start=start, end=end, step="raw", fields=["relay", "relay_cause"], cursor=cursor, limit=_POINTS
        )
        for at_ms, relay, cause in _told(page.ts, page.fields):
            if stood is not None and relay != stood:
                yield _Move(at=from_ms(at_ms), relay=relay, cause=cause)
            stood = relay
        cursor = page.next
        if cursor is None:
            return


def _told(ts: Sequence[int], fields: dict[str, list[Any]]) -> Iterator[tuple[int, bool, str]]:
    relays, causes = fields.get("relay", []), fields.get("relay_cause") or [None] * len(ts)
    for at_ms, relay, cause in zip(ts, relays, causes, strict=False):
        if isinstance(relay, bool):
            yield at_ms, relay, cause or "unknown"


async def _commands(call: Call[Any, Any], standing: Standing, moves: Sequence[_Move]) -> list[Command]:
    """Return the commands that were carried out about then and move the relay."""
    if not any(each.cause == "user_cloud" for each in moves):
        return []
    found = await call.records.find(
        Command,
        is_("device_id", standing.device.id),
        above("created_at", moves[0].at - timedelta(days=1) - _APART),
        at_most("created_at", moves[-1].at + _APART),
        one_of("name", _MOVING),
        order_by="created_at",
    )
    first = standing.since
    return [
        each for each in found if each.status is CommandStatus.EXECUTED and (first is None or each.created_at >= first)
    ]


def _command_of(move: _Move, commands: Sequence[Command]) -> Command | None:
    """Return the command that moved it: the one whose answer is nearest, and near enough."""
    if move.cause != "user_cloud":
        return None
    near = [
        (abs(each.ended_at - move.at), each)
        for each in commands
        if each.ended_at is not None and abs(each.ended_at - move.at) <= _APART and _sets(each.name, relay=move.relay)
    ]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _sets(name: str, *, relay: bool) -> bool:
    """Return whether a command can have brought the relay there."""
    return name in {"restart", "pulse"} or name.startswith("on") == relay


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/switchings",
        handler=show,
        summary="Show who or what moved the relay",
        query=SwitchingQuery,
        answers={200: Switchings},
        scope=Scope.READ_TELEMETRY,
    ),
)
