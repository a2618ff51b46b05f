"""Opening, renewing and ending sessions. A token is random and leaves once; the store has its hash only."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from isocket.domain.accounts import Account, Agent, Session, SessionKind, is_over
from isocket.domain.api_tokens import ApiToken
from isocket.domain.homes import Home
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off_programs
from isocket.storage.port import at_most, is_, is_not, remove_every
from portal_api.portal import Portal

log = get_logger(__name__)
_REMEMBERED = 64  # used refresh tokens kept, to notice one that comes again


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a program gets once and has to keep."""

    access: str
    refresh: str
    expires_in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """How somebody came in: with what family of program, by a second factor too, and what they call it."""

    agent: Agent = Agent.OTHER
    second_factor: bool = False
    label: str = ""


_UNKNOWN = SignedIn()


async def open_bearer(portal: Portal, account: Account, how: SignedIn = _UNKNOWN) -> Tokens:
    """Sign in a program: store a session and return its tokens."""
    now = portal.clock.now()
    session_id, access, secret = new_id("ses"), new_token(), new_token()
    await _open_again(portal, account)
    await portal.records.add(
        Session(
            id=session_id,
            account_id=account.id,
            kind=SessionKind.BEARER,
            access_hash=token_hash(access),
            access_expires_at=now + timedelta(seconds=portal.settings.access_s),
            refresh_hash=token_hash(secret),
            expires_at=now + timedelta(seconds=portal.settings.refresh_idle_s),
            credential_epoch=account.credential_epoch,
            created_at=now,
            agent=how.agent,
            label=how.label,
            last_seen_at=hour_of(now),
            proved_at=now,
            second_factor=how.second_factor,
        )
    )
    return _tokens(portal, session_id, access, secret)


async def open_cookie(portal: Portal, account: Account, how: SignedIn = _UNKNOWN) -> str:
    """Sign in a browser: store a session and return the value for its cookie (see `access.set_cookie`)."""
    now, token = portal.clock.now(), new_token()
    await _open_again(portal, account)
    await portal.records.add(
        Session(
            id=new_id("ses"),
            account_id=account.id,
            kind=SessionKind.COOKIE,
            access_hash=token_hash(token),
            access_expires_at=now + timedelta(seconds=portal.settings.cookie_idle_s),
            expires_at=now + timedelta(seconds=portal.settings.cookie_absolute_s),
            credential_epoch=account.credential_epoch,
            created_at=now,
            agent=how.agent,
            label=how.label,
            last_seen_at=hour_of(now),
            proved_at=now,
            second_factor=how.second_factor,
        )
    )
    return token


async def _open_again(portal: Portal, account: Account) -> None:
    """Whoever signs in comes back to an account that they had closed, unless it was shut to be archived."""
    if account.ended_at is not None:
        await portal.records.change_one(Account, is_("id", account.id), is_not("password_hash", ""), ended_at=None)
        log.info("account_opened_again", account_id=account.id)


async def renew(portal: Portal, refresh_token: str) -> Tokens | None:
    """Change a refresh token for a new pair; None if it is not good.

    A token that was used already is in two hands: one of them is a thief's, so the whole session ends
    (RFC 9700, section 4.14.2).
    """
    session_id, _, secret = refresh_token.partition(".")
    session = await portal.records.get(Session, session_id)
    if session is None or session.refresh_hash is None:  # a cookie has none
        return None
    used = token_hash(secret)
    if not hmac.compare_digest(used, session.refresh_hash):
        await _end_if_stolen(portal, session, used)
        return None
    account = await portal.records.get(Account, session.account_id)
    if account is None or not alive(session, account, portal.clock.now()):
        return None
    return await _rotate(portal, session, used)


async def _rotate(portal: Portal, session: Session, used: str) -> Tokens | None:
    now, access, secret = portal.clock.now(), new_token(), new_token()
    changed = await portal.records.change_one(
        Session,
        is_("id", session.id),
        is_("refresh_hash", used),
        access_hash=token_hash(access),
        access_expires_at=now + timedelta(seconds=portal.settings.access_s),
        refresh_hash=token_hash(secret),
        used_refresh_hashes=(*session.used_refresh_hashes, used)[-_REMEMBERED:],
        expires_at=now + timedelta(seconds=portal.settings.refresh_idle_s),
        last_seen_at=hour_of(now),
    )
    if changed is None:  # another request with the same token was a moment quicker: the same as using it twice
        await end(portal, session.id)
        log.warning("refresh_token_used_twice", session_id=session.id)
        return None
    return _tokens(portal, session.id, access, secret)


async def end(portal: Portal, session_id: str) -> None:
    """Sign out one browser or program."""
    await portal.records.remove_all(Session, is_("id", session_id))


async def end_all(portal: Portal, account_id: str) -> int:
    """Sign out everybody of an account; return how many there were. The epoch has ended them already."""
    return await remove_every(portal.records, Session, is_("account_id", account_id))


async def end_programs(portal: Portal, account: Account) -> None:
    """Forget the tokens and logins of homes that `account`, as it was, had let in; end what they asked for and waits.

    The epoch has ended them already.
    """
    for kind in (ApiToken, Home):
        old = at_most("credential_epoch", account.credential_epoch)
        await remove_every(portal.records, kind, is_("account_id", account.id), old)
    await call_off_programs(portal.records, account.id, portal.clock.now())


async def prove_again(portal: Portal, session: Session, *, second_factor: bool = False) -> datetime:
    """Note that the session's holder has just shown who they are; return until when that counts."""
    now = portal.clock.now()
    shown: dict[str, Any] = {"second_factor": True} if second_factor else {}
    await portal.records.change_one(Session, is_("id", session.id), proved_at=now, **shown)
    return now + timedelta(seconds=portal.settings.step_up_s)


async def change_cookie(portal: Portal, session: Session) -> str:
    """Give a browser's session another cookie, so that one taken before its holder proved more is of no use."""
    token = new_token()
    await portal.records.change_one(Session, is_("id", session.id), access_hash=token_hash(token))
    return token


def proved_lately(portal: Portal, session: Session) -> bool:
    """Return whether its holder has shown who they are a short while ago."""
    since = session.proved_at
    return since is not None and portal.clock.now() - since <= timedelta(seconds=portal.settings.step_up_s)


def hour_of(now: datetime) -> datetime:
    """Return the hour in which `now` lies: when somebody was seen is kept no finer."""
    return now.replace(minute=0, second=0, microsecond=0)


def alive(session: Session, account: Account, now: datetime) -> bool:
    """Return whether the session still stands for the account (its access token may have run out)."""
    same = session.credential_epoch == account.credential_epoch
    return same and now < session.expires_at and not is_over(account, now)


async def _end_if_stolen(portal: Portal, session: Session, used: str) -> None:
    if used in session.used_refresh_hashes:
        await end(portal, session.id)
        log.warning("refresh_token_used_twice", session_id=session.id)


def _tokens(portal: Portal, session_id: str, access: str, secret: str) -> Tokens:
    return Tokens(access=access, refresh=f"{session_id}.{secret}", expires_in_s=int(portal.settings.access_s))
