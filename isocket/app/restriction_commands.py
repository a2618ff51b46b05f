"""`isocket privacy restrict` and `unrestrict`: data that is only kept (Art. 18), for whoever asked by letter."""

import json
from datetime import datetime
from typing import Annotated

import typer

from isocket.app.command import refuse, run
from isocket.app.letter_commands import AccountId, RequestId, tell
from isocket.app.settings import Settings
from isocket.app.typed import whole
from isocket.domain.requests import Right
from isocket.domain.restrictions import AlarmsMeanwhile
from isocket.kit.clock import to_text


def restrict_account(
    account: AccountId,
    alarms: Annotated[AlarmsMeanwhile, typer.Option(help="What its holder chose: whether alarms go on.")],
    request: RequestId = "",
) -> None:
    """Have the data of an account only kept, as its holder does on the page; they hear of it by mail."""
    from isocket.app.by_request import NO_CUSTOMER, NotAskedError, asking, customer, note_done
    from isocket.app.erasures import by_letter
    from isocket.app.house import open_house
    from portal_api.privacy_restriction import restrict

    async def begin(settings: Settings) -> dict[str, str]:
        async with open_house(settings) as house:
            found = await customer(house, account)
            asked = await asking(house, request, account, Right.RESTRICTION)
            made = await restrict(by_letter(house), found, alarms)
            if made is None:  # an erasure was a moment quicker
                raise NotAskedError(NO_CUSTOMER)
            await note_done(house, asked, f"Restriction: alarms {alarms.value}.", house.clock.now())
            return {"since": to_text(made.since), "alarms": made.alarms.value}

    tell(begin)


def end_restriction(
    account: AccountId,
    days: Annotated[int, typer.Option(**whole(1, 90), help="How long the person is told beforehand.")] = 7,
) -> None:
    """End a restriction that somebody asked for, some days from now; they are told by mail before (Art. 18(3))."""
    from isocket.app.house import open_house
    from privacy.restricting import announce_end

    async def end(settings: Settings) -> datetime | None:
        async with open_house(settings) as house:
            return await announce_end(
                house.records, account, clock=house.clock, days=days, page=f"{settings.origin}/privacy"
            )

    ends = run(end)
    if ends is None:
        refuse("There is no such account, or its data is not restricted.")
    typer.echo(json.dumps({"lifts_at": ends.isoformat()}))
