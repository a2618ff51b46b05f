"""The last steps of signing in, by whatever way: the second factor where there is one, and word of a new place."""

from datetime import datetime, timedelta
from typing import Any

from isocket.domain.accounts import Account, Agent, is_over
from isocket.kit.zones import zone_named
from portal_api import factors
from portal_api.agents import agent_of
from portal_api.notices import Change, security_notice
from portal_api.portal import Portal
from portal_api.problem import Problem
from portal_api.routes import Call
from portal_api.sessions import SignedIn
from portal_api.tickets import Ticket

TICKET_S = 5 * 60.0
FACTOR_NEEDED = "second-factor-needed"
KNOWN = timedelta(days=30)  # so long a place and program counts as seen before
AGENT_NAMES = {
    Agent.FIREFOX: "Firefox",
    Agent.CHROME: "Chrome",
    Agent.EDGE: "Edge",
    Agent.SAFARI: "Safari",
    Agent.OPERA: "Opera",
    Agent.SAMSUNG: "Samsung Internet",
    Agent.ANDROID_APP: "Android app",
    Agent.IOS_APP: "iOS app",
    Agent.HOME_ASSISTANT: "Home Assistant",
    Agent.SCRIPT: "script",
    Agent.OTHER: "?",
}


async def second_step(
    call: Call[Any, Any], account: Account, code: str | None, *, label: str = ""
) -> SignedIn | Problem:
    """Return how `account`, whose password was right, comes in; the problem where its second factor is not shown."""
    over = time_is_over(account, call.clock.now())
    if over is not None:
        return over
    wanted = bool(await factors.factors_of(call.records, account.id))
    if wanted and not code:
        return factor_needed()
    if wanted and code:
        wrong = await factors.check(call.portal, account, code)
        if wrong is not None:
            return wrong
    return await came_in(call, account, second_factor=wanted, label=label)


def time_is_over(account: Account, now: datetime) -> Problem | None:
    """Return the answer to who has proved who they are and is let in no longer, None to everybody else."""
    if not is_over(account, now):
        return None
    return Problem(
        status=401,
        kind="time-is-over",
        detail="The time for which you were let in is over.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def came_in(call: Call[Any, Any], account: Account, *, second_factor: bool, label: str = "") -> SignedIn:
    """Return how somebody came in, and tell the holder by mail if from where nobody came in lately.

    What is remembered of a place is a keyed hash of network address and family of program; the mail says the
    family and the time only. Of an account that is older than what is remembered it is known that somebody came in.
    """
    agent, limits = agent_of(call.request), call.portal.limits
    place = ("came_in", account.id, call.client, agent.value)
    known = await limits.remembers(*place)
    is_young = call.clock.now() - account.created_at < KNOWN
    first = is_young and not await limits.remembers("came_in", account.id)
    if not known and not first:
        said: dict[str, str | int] = {
            "agent": AGENT_NAMES[agent],
            "at": _local(account, call.clock.now()),
            "days": KNOWN.days,
        }
        await security_notice(call.portal, account, Change.SIGNED_IN, **said)
    for what in (place, ("came_in", account.id)):  # once the holder is told: whoever dies before tells them anew
        await limits.remember(KNOWN.total_seconds(), *what)
    return SignedIn(agent=agent, second_factor=second_factor, label=label)


def ticket_for(portal: Portal, account: Account) -> str:
    """Return what a page carries from a right password to the second factor."""
    what = (account.id, account.credential_epoch)
    return portal.tickets.issue(Ticket.SECOND_FACTOR, *what, now=portal.clock.now(), lasts_s=TICKET_S)


async def account_of_ticket(portal: Portal, ticket: str) -> Account | None:
    """Return whose password was right a short while ago, if it is still theirs."""
    said = portal.tickets.read(Ticket.SECOND_FACTOR, ticket, now=portal.clock.now())
    account = await portal.records.get(Account, said[0]) if said else None
    return account if account is not None and said and str(account.credential_epoch) == said[1] else None


def factor_needed() -> Problem:
    """Return the answer to a right password alone, where that is not enough."""
    return Problem(
        status=401,
        kind=FACTOR_NEEDED,
        detail="Send `code` too: from your app, or a recovery code. Or sign in with a passkey.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _local(account: Account, now: datetime) -> str:
    zone = zone_named(account.time_zone)
    return f"{now.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
