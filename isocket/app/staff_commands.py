"""`isocket staff ...`: who looks after the cloud, what each is there for, and until when they are let in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from isocket.app.command import day_of, run
from isocket.app.settings import Settings
from isocket.domain.accounts import StaffRole
from isocket.kit.clock import SystemClock

staff = typer.Typer(help="People who look after the cloud.", no_args_is_help=True)
Address = Annotated[str, typer.Option(help="Their address.")]
Roles = Annotated[
    list[StaffRole] | None,
    typer.Option(help="What they are there for, and so what they may look at; may be given several times."),
]
Until = Annotated[
    str, typer.Option(help="The first day (2027-01-01, UTC) on which they are let in no more, as subcontractors are.")
]
_NO_CUSTOMER = "\nSomebody asked for a customer's account with this address and did not open it: that wish has ended."
NoEnd = Annotated[bool, typer.Option("--no-end", help="They are let in without an end.")]


@staff.command(name="add")
def add_staff(email: Address, role: Roles = None, until: Until = "", no_end: NoEnd = False) -> None:
    """Print a link with which somebody chooses a password and becomes a member of staff; for support if not said.

    Who is invited already gets a new link, and the one before ends; what is not said stays as it was.
    """
    from isocket.app.house import open_house
    from isocket.app.room_settings import portal_settings
    from portal_api.invitations import invite
    from portal_api.staff_members import invitation_of, wishes_to_be_customer

    given = _end(until, no_end=no_end)

    async def make(settings: Settings) -> tuple[str, str]:
        _demand_mailbox(email)
        _look_ahead(given, SystemClock().now())
        async with open_house(settings, may_be_new=True) as house:
            with _names_the_address():
                before = await invitation_of(house.records, email)
                roles = _once_each(role) or (before.staff_roles if before else ()) or (StaffRole.SUPPORT,)
                over = before.staff_until if before and not (given or no_end) else given
                _look_ahead(over, house.clock.now())
                asked = await wishes_to_be_customer(house.records, email)
                link = await invite(
                    house.records,
                    house.clock,
                    portal_settings(settings),
                    email,
                    staff_roles=roles,
                    staff_until=over,
                )
        return link, _in_words(roles, over) + (_NO_CUSTOMER if asked else "")

    link, words = run(make)
    typer.echo(words, err=True)
    typer.echo(link)


@staff.command(name="change")
def change_staff(email: Address, role: Roles = None, until: Until = "", no_end: NoEnd = False) -> None:
    """Change what a member of staff, or who is invited, is there for, or until when; print what `list` says of them.

    The roles given take the place of those before. It holds at once, also where they are signed in; with today's day
    they are let in no more from now on.
    """
    from isocket.app.house import open_house
    from isocket.app.staff_list import member
    from portal_api.staff_members import change_member

    given = _end(until, no_end=no_end)
    changes: dict[str, Any] = {"staff_roles": _once_each(role)} if role else {}
    if given or no_end:
        changes["staff_until"] = given
    if not changes:
        raise typer.BadParameter("say what is to change: --role, --until or --no-end", param_hint="--role")

    async def change(settings: Settings) -> str:
        _demand_mailbox(email)
        today = SystemClock().now().date()
        if given is not None and given.date() < today:
            words = f"{until} is past: today's day, {today}, ends their time now"
            raise typer.BadParameter(words, param_hint="--until")
        async with open_house(settings) as house:
            now = house.clock.now()
            with _names_the_address():
                changed = await change_member(house.records, email, now, **changes)
            return json.dumps(asdict(await member(house.records, changed, now)), ensure_ascii=False)

    typer.echo(run(change))


@staff.command(name="list")
def list_staff() -> None:
    """Print who is staff or invited, for what and until when, with a second factor or not, and when last here."""
    from isocket.app.house import open_house
    from isocket.app.staff_list import members

    async def tell(settings: Settings) -> None:
        async with open_house(settings) as house:
            async for each in members(house.records, house.clock.now()):
                typer.echo(json.dumps(asdict(each), ensure_ascii=False))

    run(tell)


def _end(until: str, *, no_end: bool) -> datetime | None:
    """Return the end that was given; None where none was, or `no_end`."""
    if until and no_end:
        raise typer.BadParameter("give a day, or --no-end, not both", param_hint="--until")
    return day_of(until, "--until")


def _look_ahead(over: datetime | None, now: datetime) -> None:
    """Refuse an end of who is invited that has come."""
    if over is not None and over <= now:
        words = "would never be let in: name a day to come, or --no-end"
        raise typer.BadParameter(f"with the end {over.date()} they {words}", param_hint="--until")


def _once_each(role: list[StaffRole] | None) -> tuple[StaffRole, ...]:
    return tuple(dict.fromkeys(role or ()))


def _in_words(roles: tuple[StaffRole, ...], over: datetime | None) -> str:
    """Return for what somebody is invited: some of it may stand from an invitation before."""
    until = f"let in no more from {over.date()} (UTC) on" if over else "with no end"
    return f"Invited for {' and '.join(roles)}, {until}."


def _demand_mailbox(email: str) -> None:
    """Raise BadParameter where what was typed is no e-mail address, whoever's it would be."""
    from portal_api.invitations import InvitationError, mailbox_of

    try:
        mailbox_of(email)
    except InvitationError as error:
        raise typer.BadParameter(str(error), param_hint="--email") from None


@contextmanager
def _names_the_address() -> Iterator[None]:
    """Let what is wrong with the address begin with its option."""
    from portal_api.invitations import InvitationError

    try:
        yield
    except InvitationError as error:
        raise InvitationError(f"--email: {error}") from None
