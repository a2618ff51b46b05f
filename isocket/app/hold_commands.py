"""`isocket privacy hold ...`: which holds there are, and ending one, also while nothing runs that has pages."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isocket.app.command import refuse, run
from isocket.app.settings import Settings
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from isocket.domain.holds import Hold, HoldState
from isocket.kit.clock import to_text

if TYPE_CHECKING:
    from isocket.app.house import House

hold = typer.Typer(
    help="What of a customer must not get lost: which holds there are, and their end.", no_args_is_help=True
)
OPERATOR = "operator"
_ENDED = "A hold on your data was ended."


@hold.command(name="list")
def list_holds(
    every: Annotated[
        bool,
        typer.Option("--all", help="Those that ended as well, the last one first, as long as the register has them."),
    ] = False,
) -> None:
    """Print each hold in force as a line of JSON, the first review first, and since when it cannot be copied."""
    from isocket.app.house import open_house
    from isocket.storage.port import is_, is_not

    in_force, ended = is_("state", HoldState.IN_FORCE), is_not("state", HoldState.IN_FORCE)

    async def tell(settings: Settings) -> None:
        async with open_house(settings) as house:
            found = await house.records.find(Hold, in_force, order_by="review_at")
            if every:
                found += await house.records.find(Hold, ended, order_by="over_at", descending=True)
            for each in found:
                typer.echo(json.dumps(_line(each)))

    run(tell)


@hold.command(name="end")
def end_one(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Its id, as `list` and the log name it.")],
    why: Annotated[str, typer.Option(help="Why it is not needed any more, in at least ten letters.")],
) -> None:
    """End a hold as staff do on their page: its copies and their key are destroyed, here at once.

    Where this broke off, or staff ended it and nothing runs, the same command destroys what is still there.
    """
    from isocket.app.erasures import hold_keeper_of
    from isocket.app.house import open_house
    from portal_api.pages_forms import checked
    from portal_api.problem import Problem
    from portal_api.staff_holds import Ending, end_hold

    given = checked(Ending, words=why)
    if isinstance(given, Problem):
        raise typer.BadParameter(given.errors[0].message, param_hint="--why")
    words = given.words

    async def end(settings: Settings) -> Hold | Problem:
        async with open_house(settings) as house:
            found = await _found(house, hold_id)
            if found.state is HoldState.IN_FORCE:
                await _tell_holder(house, found)
            if found.state is not HoldState.OVER:
                ended = await end_hold(house.records, found, words, by=OPERATOR, now=house.clock.now())
                if isinstance(ended, Problem):
                    return ended
                found = ended
            await hold_keeper_of(house).finish(found)
            return await _found(house, hold_id)

    ended = run(end)
    if isinstance(ended, Problem):
        refuse(ended.detail)
    typer.echo(json.dumps(_line(ended)))


async def _found(house: "House", hold_id: str) -> Hold:
    found = await house.records.get(Hold, hold_id)
    if found is None:
        refuse(f"There is no hold {hold_id[:64]}: see `isocket privacy hold list`.")
    return found


async def _tell_holder(house: "House", found: Hold) -> None:
    """Note that somebody looked at it, as for staff on their page: its holder can read that, in time."""
    from isocket.domain.accounts import Account

    if await house.records.get(Account, found.account_id) is not None:
        await house.records.add_all([_look(house, found)])


def _look(house: "House", ended: Hold) -> Disclosure:
    return noted(
        ended.account_id,
        to=DisclosedTo.STAFF,
        recipient_id=OPERATOR,
        what=(Hold.collection,),
        purpose=Purpose.CLAIMS,
        basis=Basis.LEGITIMATE_INTEREST,
        at=house.clock.now(),
        reason=_ENDED,
        once=(ended.id, "ended"),
        silent_until=ended.silent_until,
    )


def _line(each: Hold) -> dict[str, Any]:
    return {
        "id": each.id,
        "account": each.account_id,
        "ground": each.ground,
        "state": each.state,
        "parts": list(each.parts),
        "review_at": to_text(each.review_at),
        "ends_at": to_text(each.ends_at),
        "uncopied_since": to_text(each.uncopied_since) if each.uncopied_since else None,
        "over_at": to_text(each.over_at) if each.over_at else None,
    }
