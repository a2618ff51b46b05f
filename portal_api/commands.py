"""Orders to a socket: switching now, for a while, or asking it something. Each has an end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, WithJsonSchema

from isocket.domain.api_tokens import Scope
from isocket.domain.commands import (
    ASKING_TTL_S,
    COMMAND_NAMES,
    SWITCHING_TTL_S,
    Command,
    CommandCause,
    CommandStatus,
)
from isocket.domain.device_models import SWITCHING, refusal
from isocket.domain.shares import Share
from isocket.kit.ids import derived_id, new_id
from isocket.kit.logs import get_logger
from isocket.storage.abilities import abilities_of
from isocket.storage.orders import call_off, supersede
from isocket.storage.port import AlreadyThereError, above, is_
from portal_api import access
from portal_api.cursor import page_of
from portal_api.limits import Rate
from portal_api.models import Body, Instant, Page, PageQuery, View
from portal_api.owned import Need, Standing, standing_for
from portal_api.problem import FieldFault, Problem, ProblemError, fault, not_found
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)
COMMANDS = Rate(name="commands", tries=300, per_s=60)  # of one account
MOST_TTL_S = 86_400
By = Literal["you", "owner", "guest", "home_assistant"]
KEY_HEADER = "Idempotency-Key"
MOST_KEY = 255


def _known(name: str) -> str:
    if name not in COMMAND_NAMES:
        raise ValueError(f"A command is one of {', '.join(COMMAND_NAMES)}.")
    return name


Name = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(COMMAND_NAMES)})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked for a command, as the caller may know it."""

    by: By
    email: str | None = None


OF_YOURS = Asker(by="you")
BY_HOME_ASSISTANT = Asker(by="home_assistant")


class NewCommand(Body):
    """What the socket shall do.

    `on_for` and `off_for` need `{"seconds": n}` (up to 43,200 on a 707, 65,500 on others); `restart` and `pulse`
    take it, 1 to 600. No other command has arguments.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "on"}, {"name": "on_for", "args": {"seconds": 3600}, "ttl_s": 60}, {"name": "status"}]
        }
    )

    name: Name
    args: dict[str, Any] = Field(default={})
    ttl_s: Annotated[FiniteFloat, Field(gt=0, le=MOST_TTL_S)] | None = Field(
        default=None,
        description=f"Not carried out later than so many seconds from now. {SWITCHING_TTL_S} if absent, for what "
        f"moves nothing {ASKING_TTL_S}.",
    )


class CommandState(View):
    """What became of a command. Only the socket's own answer makes it `executed`."""

    id: str
    device_id: str
    name: str
    args: dict[str, Any]
    status: CommandStatus
    error: str | None = Field(
        description="Why the socket did not do it, in its own words; `superseded` where a later command set the same "
        "thing before this one was sent, `access_ended` where whoever asked may not any more."
    )
    created_at: Instant
    expires_at: Instant
    sent_at: Instant | None
    ended_at: Instant | None


class CommandView(CommandState):
    """One command and what became of it. Only the socket's own answer makes it `executed`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "cmd_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "name": "on_for",
                    "args": {"seconds": 3600},
                    "status": "queued",
                    "error": None,
                    "created_at": "2026-11-22T12:00:00.000Z",
                    "expires_at": "2026-11-22T12:00:30.000Z",
                    "sent_at": None,
                    "ended_at": None,
                    "by": "you",
                    "by_email": None,
                }
            ]
        }
    )

    by: By = Field(description="Who asked for it; `home_assistant`: the owner's home automation.")
    by_email: str | None = Field(description="Of a guest, for the owner; null where the share has ended.")


async def order(call: Call[NewCommand, None]) -> CommandView | Problem:
    """Tell a socket to do something.

    With the header `Idempotency-Key` (up to 255 visible ASCII characters) the same key gives the same command, so
    that a request whose answer was lost may be repeated; with another body it is refused (422). What waits to be sent
    and sets the same thing (on and off, the second output, arming) ends as `expired`, `superseded`.
    """
    standing = await standing_for(call, Need.OPERATE)
    device = standing.device
    refused = refusal(await abilities_of(call.portal.telemetry, device), call.body.name, call.body.args)
    if refused is not None:
        return fault(refused.field, refused.message)
    key = call.request.headers.get(KEY_HEADER)
    if key is not None and not (1 <= len(key) <= MOST_KEY and key.isascii() and key.isprintable()):
        return fault(KEY_HEADER, f"Up to {MOST_KEY} visible ASCII characters are needed.")
    await call.portal.limits.demand(COMMANDS, call.account.id)
    command = _command(call, standing, key)
    try:
        await call.records.add(command)
    except AlreadyThereError:
        return await _the_same(call, command)
    await _demand_still(call, command)
    await supersede(call.records, command, call.clock.now())
    log.info("command_queued", command_id=command.id, device_id=device.id, name=command.name)
    return _view(command, call.clock.now(), OF_YOURS)


async def _demand_still(call: Call[NewCommand, None], command: Command) -> None:
    """Look once more whether the caller may: whoever took that away meanwhile did not find this command to end it.

    Raises:
        ProblemError: 401, 403, 404: as when they ask from now on; the command is over.
    """
    try:
        await access.demand_still(call.portal, call.caller)
        await standing_for(call, Need.OPERATE)
    except ProblemError:
        await call_off(call.records, command.account_id, call.clock.now(), is_("id", command.id))
        raise


async def show_all(call: Call[None, PageQuery]) -> Page[CommandView]:
    """List what a socket was told to do, the newest first, and by whom."""
    standing = await standing_for(call, Need.VIEW)
    tests = [is_("device_id", standing.device.id)]
    if standing.since is not None:
        tests.append(above("created_at", standing.since - timedelta(milliseconds=1)))
    found, following = await page_of(
        call.records,
        Command,
        *tests,
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="created_at",
        descending=True,
    )
    who, now = await askers(call, standing, found), call.clock.now()
    return Page[CommandView](items=[_view(each, now, who[each.id]) for each in found], next=following)


async def show(call: Call[None, None]) -> CommandView | Problem:
    """Show what became of a command."""
    standing = await standing_for(call, Need.VIEW)
    command = await call.records.get(Command, call.path["command_id"])
    if command is None or command.device_id != standing.device.id or not sees_command(standing, command):
        return not_found()
    return _view(command, call.clock.now(), (await askers(call, standing, [command]))[command.id])


async def askers(call: Call[Any, Any], standing: Standing, commands: Iterable[Command]) -> dict[str, Asker]:
    """Return who asked for each command, by its id. Only the owner is told a guest's address."""
    asked = list(commands)
    ids = {each.account_id for each in asked}
    emails: dict[str | None, str] = {}
    if standing.owns and ids - {call.account.id}:
        shares = await call.records.find(Share, is_("device_id", standing.device.id))
        emails = {each.account_id: each.email for each in shares}
    return {each.id: _asker(call.account.id, standing, each, emails.get(each.account_id)) for each in asked}


def _asker(me: str, standing: Standing, command: Command, email: str | None) -> Asker:
    if command.cause is CommandCause.HOME_ASSISTANT:
        return BY_HOME_ASSISTANT
    if command.account_id == me:
        return OF_YOURS
    return Asker(by="owner" if command.account_id == standing.device.owner_id else "guest", email=email)


def sees_command(standing: Standing, command: Command) -> bool:
    """Return whether a command at a socket is of a time that somebody who stands so to it may see."""
    return standing.since is None or standing.since <= command.created_at


def _command(call: Call[NewCommand, None], standing: Standing, key: str | None) -> Command:
    """Return what is asked for. A guest's ends with their time there, a program's with its token."""
    device_id, until, token = standing.device.id, standing.share.until if standing.share else None, call.api_token
    until = token.expires_at if token is not None else until
    body, now = call.body, call.clock.now()
    usual_s = SWITCHING_TTL_S if body.name in SWITCHING else ASKING_TTL_S
    ttl_s = usual_s if body.ttl_s is None else body.ttl_s
    ends = now + timedelta(milliseconds=round(ttl_s * 1000))
    return Command(
        id=new_id("cmd") if key is None else derived_id("cmd", call.account.id, device_id, key),
        device_id=device_id,
        account_id=call.account.id,
        asked_with=token.id if token is not None else None,
        name=body.name,
        args=dict(body.args),
        created_at=now,
        expires_at=ends if until is None else min(ends, until),
    )


async def _the_same(call: Call[NewCommand, None], command: Command) -> CommandView | Problem:
    """Return the command that an earlier request with the same key made."""
    first = await call.records.get(Command, command.id)
    if first is None:
        return not_found()
    if _asked(first) != _asked(command) or (_ttl(first) != _ttl(command) and first.expires_at != command.expires_at):
        detail = "This key was used for another command."
        return Problem(
            status=422, kind="key-reused", detail=detail, errors=(FieldFault(field=KEY_HEADER, message=detail),)
        )
    return _view(first, call.clock.now(), OF_YOURS)


def _asked(command: Command) -> tuple[str, dict[str, Any]]:
    return command.name, dict(command.args)


def _ttl(command: Command) -> timedelta:
    return command.expires_at - command.created_at


def _view(command: Command, now: datetime, who: Asker) -> CommandView:
    return CommandView(**dict(state_of(command, now)), by=who.by, by_email=who.email)


def state_of(command: Command, now: datetime) -> CommandState:
    """Return a command as it is; one that was never sent and is too late is over, whoever writes that down."""
    over = command.status is CommandStatus.QUEUED and command.expires_at <= now
    return CommandState(
        id=command.id,
        device_id=command.device_id,
        name=command.name,
        args=dict(command.args),
        status=CommandStatus.EXPIRED if over else command.status,
        error=command.error,
        created_at=command.created_at,
        expires_at=command.expires_at,
        sent_at=command.sent_at,
        ended_at=command.expires_at if over else command.ended_at,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/commands",
        handler=show_all,
        summary="List what a socket was told to do",
        query=PageQuery,
        answers={200: Page[CommandView]},
        scope=Scope.CONTROL,
    ),
    Route(
        method="POST",
        path="/devices/{device_id}/commands",
        handler=order,
        summary="Tell a socket to do something",
        scope=Scope.CONTROL,
        body=NewCommand,
        answers={202: CommandView},
        problems=(429,),
    ),
    Route(
        method="GET",
        path="/devices/{device_id}/commands/{command_id}",
        handler=show,
        summary="Show a command",
        scope=Scope.CONTROL,
        answers={200: CommandView},
    ),
)
