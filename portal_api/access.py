"""Who is asking, and may they: bearer token or cookie, and for cookies the proof that it is our own page.

Both are read from the store on each request, so that ending a credential works at once in every process.
"""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

from aiohttp import web

from isocket.domain.accounts import Account, AccountRole, Session, SessionKind, StaffRole
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api import token_use
from portal_api.portal import Portal, PortalSettings
from portal_api.problem import Problem, ProblemError
from portal_api.routes import Access, AnyRoute, Caller
from portal_api.sessions import alive, hour_of, proved_lately

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STEP_UP = "step-up"
CSRF_HEADER = "X-CSRF"
CSRF_FIELD = "csrf"
REASON_HEADER = "X-Reason"
REASON_FIELD = "reason"
ONCE_FIELD = "once"
_REASON_LENGTHS = (5, 200)
_COOKIE_MOVES = timedelta(hours=1)  # a browser's session is prolonged at most so often


def cookie_name(settings: PortalSettings) -> str:
    """Return the cookie's name; `__Host-` binds it to this host and to HTTPS (RFC 6265bis)."""
    return "__Host-sid" if settings.https else "sid"


def set_cookie(settings: PortalSettings, response: web.StreamResponse, token: str) -> None:
    """Give the browser the session that `sessions.open_cookie` opened."""
    response.set_cookie(cookie_name(settings), token, path="/", httponly=True, samesite="Lax", secure=settings.https)


def drop_cookie(settings: PortalSettings, response: web.StreamResponse) -> None:
    """Take the session's cookie from the browser."""
    response.del_cookie(cookie_name(settings), path="/", httponly=True, samesite="Lax", secure=settings.https)


def csrf_token(cookie: str) -> str:
    """Return the token that only a page of the same session can know; the cookie itself is out of its reach."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


async def identify(portal: Portal, request: web.Request, *, in_use: bool = True) -> Caller | None:
    """Return who is signed in, or None. A bad bearer token is not made good by a cookie beside it.

    `in_use` notes that their session is, which prolongs a browser's. A stream that only goes on asks without.
    """
    caller = await _caller(portal, request)
    if in_use and caller is not None and caller.session is not None:
        await _see(portal, caller.session)
    return caller


async def _caller(portal: Portal, request: web.Request) -> Caller | None:
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        if token.startswith(token_use.PREFIX):
            return await token_use.find(portal, token)
        return await _find(portal, token, SessionKind.BEARER)
    cookie = request.cookies.get(cookie_name(portal.settings))
    return await _find(portal, cookie, SessionKind.COOKIE) if cookie else None


def authorise(route: AnyRoute, caller: Caller | None) -> None:
    """Let the caller pass.

    Raises:
        ProblemError: 401 nobody is signed in; 403 this is not for this kind of account, or not for such a token.
    """
    rule = route.access
    if rule is Access.PUBLIC or rule is Access.RECIPIENT:
        return
    if caller is None:
        raise ProblemError(_not_signed_in())
    if rule is Access.STAFF and caller.account.role is not AccountRole.STAFF:
        raise ProblemError(Problem(status=403, kind="not-allowed", detail="This is for our staff only."))
    if rule is Access.STAFF and (caller.session is None or not caller.session.second_factor):
        detail = "Staff show a second factor: add one at /security, and sign in with it."
        raise ProblemError(Problem(status=403, kind="second-factor-needed", detail=detail))
    if caller.api_token is not None:
        token_use.check_scope(route, caller.api_token)


async def demand_still(portal: Portal, caller: Caller | None) -> None:
    """Let pass who may still ask: their session or token was not taken away since the request began.

    Raises:
        ProblemError: 401.
    """
    if caller is None or not await _still_good(portal, caller):
        raise ProblemError(_not_signed_in())


async def _still_good(portal: Portal, caller: Caller) -> bool:
    if caller.api_token is not None:
        return await token_use.still_good(portal, caller.api_token)
    session = await portal.records.get(Session, caller.session.id) if caller.session is not None else None
    account = await portal.records.get(Account, caller.account.id)
    return session is not None and account is not None and alive(session, account, portal.clock.now())


def _not_signed_in() -> Problem:
    headers = {"WWW-Authenticate": "Bearer"}
    return Problem(status=401, kind="not-signed-in", detail="Sign in first.", headers=headers)


def check_staff_role(wanted: tuple[StaffRole, ...], caller: Caller | None) -> None:
    """Let a member of staff pass who is there for what this route is for.

    Raises:
        ProblemError: 403, naming who may.
    """
    if not wanted or (caller is not None and not set(wanted).isdisjoint(caller.account.staff_roles)):
        return
    named = " or ".join(wanted)
    raise ProblemError(Problem(status=403, kind="not-your-role", detail=f"This is for staff of {named} only."))


def check_reason(given: str | None, *, where: str = "") -> str:
    """Return why a member of staff looks; the customer will read it.

    Raises:
        ProblemError: 403, naming `where` it is to be given; a page shows that itself.
    """
    shortest, longest = _REASON_LENGTHS
    reason = " ".join((given or "").split())
    if not shortest <= len(reason) <= longest or not reason.isprintable():
        named = f", in {where}" if where else ""
        detail = f"Say why you look{named}: {shortest} to {longest} characters. The customer will read it."
        raise ProblemError(Problem(status=403, kind="reason-needed", detail=detail))
    return reason


def check_step_up(portal: Portal, caller: Caller | None) -> None:
    """Let the caller pass who has shown a short while ago who they are: a stolen session is not enough for this.

    Raises:
        ProblemError: 403 of the kind `step-up`.
    """
    if caller is not None and (caller.session is None or not proved_lately(portal, caller.session)):
        raise ProblemError(
            Problem(
                status=403,
                kind=STEP_UP,
                detail="Prove once more who you are: POST /me/step-up with your password or code, then repeat this.",
            )
        )


def check_origin(portal: Portal, request: web.Request) -> None:
    """Refuse a change that another site's page asks for: `Origin` must be ours, or the browser must say so.

    Raises:
        ProblemError: 403 (also when there is neither header: no browser of today leaves out both).
    """
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    ours = origin == portal.settings.origin if origin is not None else site == "same-origin"
    if not ours:
        raise ProblemError(
            Problem(status=403, kind="foreign-origin", detail="This did not come from one of our pages.")
        )


def check_csrf(caller: Caller, given: str | None) -> None:
    """Compare the token of a form or header with that of the cookie's session.

    Raises:
        ProblemError: 403: it is missing or another's.
    """
    said = (given or "").encode("utf-8", "surrogatepass")
    if caller.csrf is not None and not hmac.compare_digest(caller.csrf.encode(), said):
        raise ProblemError(
            Problem(status=403, kind="csrf", detail="The page is out of date. Load it again and repeat.")
        )


async def _find(portal: Portal, token: str, kind: SessionKind) -> Caller | None:
    found = await portal.records.find(Session, is_("access_hash", token_hash(token)), limit=1)
    if not found or found[0].kind is not kind:
        return None
    session, now = found[0], portal.clock.now()
    account = await portal.records.get(Account, session.account_id)
    if account is None or not alive(session, account, now) or now >= session.access_expires_at:
        return None
    return Caller(account=account, session=session, csrf=csrf_token(token) if kind is SessionKind.COOKIE else None)


async def _see(portal: Portal, session: Session) -> None:
    """Note that the session is in use, at most once an hour: a write on each request is too much."""
    now = portal.clock.now()
    changes: dict[str, Any] = {}
    if session.last_seen_at != hour_of(now):
        changes["last_seen_at"] = hour_of(now)
    until = now + timedelta(seconds=portal.settings.cookie_idle_s)
    if session.kind is SessionKind.COOKIE and until - session.access_expires_at >= _COOKIE_MOVES:
        changes["access_expires_at"] = min(until, session.expires_at)
    if changes:
        await portal.records.change_one(Session, is_("id", session.id), **changes)
