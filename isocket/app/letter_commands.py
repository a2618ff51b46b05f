"""`isocket privacy object` and `rectify`: an objection (Art. 21) and a correction (Art. 16) that came by letter.

How the letter came, its month and its answer are the request's, at /staff; see `by_request`.
"""

import json
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from isocket.app.command import refuse, run
from isocket.app.settings import Settings
from isocket.app.typed import line_of
from isocket.domain.followed_letters import ALARMS
from isocket.domain.requests import Right

PAUSED = "Their own contact is paused for another reason already: it is told of no alarm until they undo that."
NO_ACCOUNT = "There is no such account: give its id (acc_…), which a customer's file at /staff shows for a mailbox."
ACCOUNT = "The account's id, which a customer's file at /staff shows."
AccountId = Annotated[str, typer.Option(help=ACCOUNT)]
RequestId = Annotated[
    str, typer.Option(help="The request that asks for it, once it is known who asks; it is noted there.")
]


class Use(StrEnum):
    """What the holder of an account may object to."""

    NEWSLETTER = "newsletter"
    STATISTICS = "statistics"
    SURVEYS = "surveys"
    ALARMS = ALARMS


def object_for_account(
    account: AccountId,
    to: Annotated[list[Use], typer.Option(help="What their data is not to be used for; may be given several times.")],
    request: RequestId = "",
    *,
    take_back: Annotated[bool, typer.Option("--take-back", help="They do not object to it any more.")] = False,
) -> None:
    """Have the data of an account not used for something, as its holder does on the page; they hear of it by mail.

    With `alarms` they themself are told of none any more, and other people are as before. With `--take-back` an
    objection from before is over.
    """
    from isocket.app.by_request import asking, customer, note_done
    from isocket.app.erasures import by_letter
    from isocket.app.house import open_house
    from portal_api.by_letter import is_paused, object_for, take_back_for

    uses = list(dict.fromkeys(each.value for each in to))

    async def follow(settings: Settings) -> dict[str, Any]:
        async with open_house(settings) as house:
            found = await customer(house, account)
            asked = await asking(house, request, account, Right.OBJECTION)
            held = await (take_back_for if take_back else object_for)(by_letter(house), found, uses)
            silent = Use.ALARMS in uses and not held.alarms and await is_paused(house.records, found)
            what = "Objection taken back" if take_back else "Objection"
            words = f"{what}: {', '.join(uses)}.{f' {PAUSED}' if silent else ''}"
            await note_done(house, asked, words, house.clock.now())
            if silent:
                typer.echo(PAUSED, err=True)
            return held.model_dump()

    tell(follow)


def rectify_account(
    *,
    account: AccountId,
    name: Annotated[str | None, typer.Option(help="Their name; `-` reads it from standard input.")] = None,
    language: Annotated[str | None, typer.Option(help="The language in which we write, such as fi.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Such as Europe/Helsinki.")] = None,
    email: Annotated[
        str | None, typer.Option(help="Their address, once its mailbox answers the mail it gets; `-` as above.")
    ] = None,
    request: RequestId = "",
) -> None:
    """Correct what an account says about its holder, who hears of it by mail.

    Telephones, and other people, their readers prove and correct themselves.
    """
    from isocket.app.by_request import NotAskedError, asking, customer, note_done
    from isocket.app.erasures import by_letter
    from isocket.app.house import open_house
    from portal_api.accounts import MeChange
    from portal_api.by_letter import correct_for
    from portal_api.my_address import NewAddress, ask_mailboxes, why_not

    typed = {"name": name and line_of(name, "--name"), "language": language, "time_zone": time_zone}
    given = _read(MeChange, {field: value for field, value in typed.items() if value is not None})
    wanted = "" if email is None else _read(NewAddress, {"username": line_of(email, "--email")})["username"]
    if not given and not wanted:
        raise typer.BadParameter("say what is to be corrected: --name, --language, --time-zone or --email")

    async def follow(settings: Settings) -> dict[str, Any]:
        async with open_house(settings) as house:
            parts, found = by_letter(house), await customer(house, account)
            asked = await asking(house, request, account, Right.RECTIFICATION)
            wrong = await why_not(parts, found, wanted) if wanted else ""
            if wrong:
                raise NotAskedError(f"--email: {wrong}")
            done = await correct_for(parts, found, given)
            if wanted:
                await ask_mailboxes(parts, found, wanted)
            what = [*given, *(["email, once its mailbox answers"] if wanted else [])]
            await note_done(house, asked, f"Correction: {', '.join(what)}.", house.clock.now())
            return {"corrected": done, "asked": ["email"] if wanted else []}

    tell(follow)


def _read(model: type[Any], typed: dict[str, str]) -> dict[str, Any]:
    """Return what was typed as the API takes it.

    Raises:
        BadParameter: it is nothing of the kind.
    """
    from portal_api.pages_forms import checked
    from portal_api.problem import Problem

    read = checked(model, **typed)
    if isinstance(read, Problem):
        fault = read.errors[0]
        option = "email" if fault.field == "username" else fault.field.replace("_", "-")
        raise typer.BadParameter(fault.message, param_hint=f"--{option}")
    return {field: getattr(read, field) for field in typed}


def tell(follow: Callable[[Settings], Awaitable[dict[str, Any]]]) -> None:
    """Do it and print what is so then; where it was not asked for, say why and end with 1."""
    from isocket.app.by_request import NotAskedError

    try:
        typer.echo(json.dumps(run(follow)))
    except NotAskedError as error:
        refuse(error)
