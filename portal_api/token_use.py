"""Personal API tokens at the door: whose they are, what they are good for, and the note that they were used."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from isocket.domain.accounts import Account, is_over
from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from isocket.kit.ids import new_token, token_hash
from isocket.storage.port import is_
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError
from portal_api.routes import AnyRoute, Caller

PREFIX = "isk_"  # by which programs that look for leaked secrets know one
_SUM_LENGTH = 8
_GIVEN: Mapping[Scope, tuple[str, ...]] = MappingProxyType(
    {
        Scope.READ_TELEMETRY: ("devices", "telemetry", "problems"),
        Scope.CONTROL: ("commands", "devices.desired"),
        Scope.ALARMS: ("incidents", "timeline", "contacts.name"),
    }
)


def new_api_token() -> str:
    """Return `isk_`, 256 random bits and a checksum: whoever finds one can tell without asking us that it is one."""
    secret = new_token()
    return f"{PREFIX}{secret}{_sum(secret)}"


async def find(portal: Portal, token: str) -> Caller | None:
    """Return who asks by a token, or None if it is not good, or not any more. A mistyped one costs no look-up."""
    if not well_formed(token):
        return None
    found = await portal.records.find(ApiToken, is_("token_hash", token_hash(token)), limit=1)
    account = await portal.records.get(Account, found[0].account_id) if found else None
    if account is None or not _counts(found[0], account, portal.clock.now()):
        return None
    return Caller(account=account, api_token=found[0])


async def still_good(portal: Portal, token: ApiToken) -> bool:
    """Return whether a token that was good a moment ago was neither revoked nor ended with its account's others."""
    found = await portal.records.get(ApiToken, token.id)
    account = await portal.records.get(Account, token.account_id)
    return found is not None and account is not None and _counts(found, account, portal.clock.now())


def _counts(token: ApiToken, account: Account, now: datetime) -> bool:
    same = token.credential_epoch == account.credential_epoch
    return same and now < token.expires_at and not is_over(account, now)


def well_formed(token: str) -> bool:
    """Return whether `token` has the form of those that `new_api_token` makes."""
    secret, checksum = token[len(PREFIX) : -_SUM_LENGTH], token[-_SUM_LENGTH:]
    return token.startswith(PREFIX) and token.isascii() and _sum(secret) == checksum


def check_scope(route: AnyRoute, token: ApiToken) -> None:
    """Let a token pass that is good for a route.

    Raises:
        ProblemError: 403 that names the scope, as RFC 6750 has it.
    """
    if not {route.scope, route.or_scope}.isdisjoint(token.scopes):
        return
    if route.scope is None:
        detail, header = "No personal API token is good for this: sign in.", 'Bearer error="insufficient_scope"'
    else:
        detail = f"This token lacks the scope {route.scope.value}: make one that has it."
        header = f'Bearer error="insufficient_scope", scope="{route.scope.value}"'
    raise ProblemError(Problem(status=403, kind="scope", detail=detail, headers={"WWW-Authenticate": header}))


async def note(portal: Portal, route: AnyRoute, token: ApiToken) -> None:
    """Note before anything is given what a token is used for today: one line a token, day and scope in the ledger.

    The moment is kept nowhere: an access log would itself tell when who is at home (Regulation (EU) 2023/2854,
    Article 4(5): no more is kept of it than is needed).
    """
    today = portal.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    used_for = token.used_for if token.last_used_at == today else ()
    new = {each for each in (route.scope, route.or_scope) if each in token.scopes} - {*used_for}
    if not new:
        return
    await portal.records.add_all([_line(token, scope, today) for scope in sorted(new)])
    await portal.records.change_one(
        ApiToken, is_("id", token.id), last_used_at=today, used_for=tuple(sorted({*used_for, *new}))
    )


def _line(token: ApiToken, scope: Scope, today: datetime) -> Disclosure:
    return noted(
        token.account_id,
        to=DisclosedTo.PROGRAM,
        recipient_id=token.id,
        what=_GIVEN[scope],
        purpose=Purpose.SERVICE,
        basis=Basis.CONTRACT,
        at=today,
        reason=": ".join(filter(None, (token.name, token.purpose))),
        once=(today.date().isoformat(), scope),
    )


def _sum(secret: str) -> str:
    return f"{zlib.crc32(secret.encode('utf-8', 'surrogatepass')):08x}"
