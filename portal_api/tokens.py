"""Signing in and out by API: tokens for apps and programs."""

from contextlib import suppress

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api import sessions
from portal_api.evenly import evenly
from portal_api.limits import Rate
from portal_api.line import TooBusyError
from portal_api.models import Body, OneLine, View
from portal_api.portal import Portal
from portal_api.problem import Problem, too_many
from portal_api.registration import account_of
from portal_api.routes import Access, AnyRoute, Call, Reply, Route
from portal_api.signing_in import second_step
from portal_api.usernames import Username

log = get_logger(__name__)

UNAUTHORISED = 401


class SignIn(Body):
    """Who one says to be, and the proof."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "maija@example.org", "password": "four words in a row"}]}
    )

    username: Username
    password: str = Field(min_length=1, max_length=1024)
    code: str | None = Field(default=None, max_length=40, description="Second factor, where there is one.")
    label: OneLine = Field(default="", description="What you call this program: shown among your sessions.")


class Refresh(Body):
    """The refresh token that came with the last access token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"refresh_token": "ses_abcdefghijklmnopqrstuvwxyz.mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw"}
            ]
        }
    )

    refresh_token: str = Field(min_length=1, max_length=128)


class TokenPair(View):
    """Tokens to keep. Each refresh token works once; one that comes a second time ends the session."""

    access_token: str
    refresh_token: str
    token_type: str = Field(default="Bearer", examples=["Bearer"])
    expires_in: int = Field(description="Seconds for which the access token is good.")


async def sign_in(call: Call[SignIn, None]) -> TokenPair | Problem:
    """Sign in a program. An unknown address takes as long as a wrong password and gets the same answer."""
    found = await prove(call.portal, call.body.username, call.body.password, client=call.client)
    if isinstance(found, Problem):
        return found
    how = await second_step(call, found, call.body.code, label=call.body.label)
    if isinstance(how, Problem):
        return how
    return pair_of(await sessions.open_bearer(call.portal, found, how))


async def refresh(call: Call[Refresh, None]) -> TokenPair | Problem:
    """Change a refresh token for a new pair of tokens."""
    tokens = await sessions.renew(call.portal, call.body.refresh_token)
    if tokens is None:
        return Problem(
            status=401,
            kind="bad-token",
            detail="This token is not good, not any more, or was used already. Sign in again.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return pair_of(tokens)


async def sign_out(call: Call[None, None]) -> Reply:
    """End the session by which this request came."""
    await sessions.end(call.portal, call.session.id)
    return Reply()


async def prove(portal: Portal, username: str, password: str, *, client: str) -> Account | Problem:
    """Return the account whose address and password these are, else the problem to answer (401 or 429).

    A place before the hashes comes first, so that refusing a crowd costs next to nothing: what finds none is neither
    counted nor looked up. Who came in from there before has a place apart from strangers.

    A try is counted before the password is looked at, so that many at once are counted as well, and given back
    if it was right: only failures use up the limits. Counting by pair of account and address keeps a stranger
    elsewhere from locking out the holder; the wider limits are wide. Where the holder came in before, what others
    try from everywhere else does not count.

    Raises:
        TooBusyError: too many passwords wait to be checked.
    """
    rates, mailbox = portal.settings.rates, username.casefold()
    known = await portal.limits.remembers("sign_in", mailbox, client)
    with portal.passwords.place(known=known) as place:
        counted: list[tuple[Rate, tuple[str, ...]]] = [
            (rates.sign_in_pair, (mailbox, client)),
            (rates.sign_in_address, (client,)),
        ]
        if not known:
            counted.append((rates.sign_in_account, (mailbox,)))
        wait_s = await portal.limits.take_each(counted)
        if wait_s > 0:
            return too_many(wait_s)  # at once: who asks on and on must not hold places by it
        async with evenly(portal):
            account = await account_of(portal, username)
        stored = account.password_hash if account else None
        verdict = await portal.passwords.verify(password, stored, place=place)
    if account is None or not verdict.right:
        return _wrong()
    for rate, what in counted:
        await portal.limits.give_back(rate, *what)
    await portal.limits.remember(rates.sign_in_known_s, "sign_in", mailbox, client)
    if verdict.outdated:
        with suppress(TooBusyError):  # then when they come next
            await _hash_anew(portal, account, password)
    return account


async def why_not_them(portal: Portal, account: Account, password: str, *, client: str) -> Problem | None:
    """Return None where the password is that of who is signed in, else the problem to answer (403 or 429).

    Not 401: their session is good, and no browser is to send them to the sign-in.

    Raises:
        TooBusyError: too many passwords wait to be checked.
    """
    found = await prove(portal, account.email, password, client=client)
    if not isinstance(found, Problem):
        return None
    if found.status != UNAUTHORISED:
        return found
    return Problem(status=403, kind="wrong-password", detail="The password is wrong.")


def _wrong() -> Problem:
    return Problem(
        status=UNAUTHORISED,
        kind="wrong-credentials",
        detail="The address or the password is wrong, or the account is not active yet.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _hash_anew(portal: Portal, account: Account, password: str) -> None:
    """Store the password at today's cost, unless it was changed in the meantime."""
    await portal.records.change_one(
        Account,
        is_("id", account.id),
        is_("password_hash", account.password_hash),
        password_hash=await portal.passwords.hash(password, known=True),
    )
    log.info("password_hashed_anew", account_id=account.id)


def pair_of(tokens: sessions.Tokens) -> TokenPair:
    """Return the tokens as they go out."""
    return TokenPair(access_token=tokens.access, refresh_token=tokens.refresh, expires_in=tokens.expires_in_s)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/tokens",
        handler=sign_in,
        summary="Sign in",
        access=Access.PUBLIC,
        body=SignIn,
        answers={200: TokenPair},
        problems=(401, 429),
    ),
    Route(
        method="POST",
        path="/tokens/refresh",
        handler=refresh,
        summary="Get new tokens",
        access=Access.PUBLIC,
        body=Refresh,
        answers={200: TokenPair},
        problems=(401,),
        limit=lambda rates: rates.refresh_address,
    ),
    Route(
        method="DELETE",
        path="/tokens",
        handler=sign_out,
        summary="Sign out",
        answers={204: None},
    ),
)
