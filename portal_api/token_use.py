"""Personal API tokens at the door: whose they are, what they are good for, and the note that they were used."""

import zlib
from datetime import timedelta

from isocket.domain.accounts import Account
from isocket.domain.api_tokens import ApiToken
from isocket.kit.ids import new_token, token_hash
from isocket.storage.port import is_
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError
from portal_api.routes import AnyRoute, Caller

PREFIX = "isk_"  # by which programs that look for leaked secrets know one
_SUM_LENGTH = 8


def new_api_token() -> str:
    """Return `isk_`, 256 random bits and a checksum: whoever finds one can tell without asking us that it is one."""
    secret = new_token()
    return f"{PREFIX}{secret}{_sum(secret)}"


async def find(portal: Portal, token: str) -> Caller | None:
    """Return who asks by a token, or None if it is not good, or not any more. A mistyped one costs no look-up."""
    if not well_formed(token):
        return None
    found = await portal.records.find(ApiToken, is_("token_hash", token_hash(token)), limit=1)
    if not found or portal.clock.now() >= found[0].expires_at:
        return None
    account = await portal.records.get(Account, found[0].account_id)
    if account is None or account.credential_epoch != found[0].credential_epoch:
        return None
    return Caller(account=account, api_token=found[0])


def well_formed(token: str) -> bool:
    """Return whether `token` has the form of those that `new_api_token` makes."""
    secret, checksum = token[len(PREFIX) : -_SUM_LENGTH], token[-_SUM_LENGTH:]
    return token.startswith(PREFIX) and token.isascii() and _sum(secret) == checksum


def check_scope(route: AnyRoute, token: ApiToken) -> None:
    """Let a token pass that is good for a route.

    Raises:
        ProblemError: 403 that names the scope, as RFC 6750 has it.
    """
    if route.scope is not None and route.scope in token.scopes:
        return
    if route.scope is None:
        detail, header = "No personal API token is good for this: sign in.", 'Bearer error="insufficient_scope"'
    else:
        detail = f"This token lacks the scope {route.scope.value}: make one that has it."
        header = f'Bearer error="insufficient_scope", scope="{route.scope.value}"'
    raise ProblemError(Problem(status=403, kind="scope", detail=detail, headers={"WWW-Authenticate": header}))


async def note(portal: Portal, token: ApiToken) -> None:
    """Note that a token is used today. The moment is kept nowhere: it would tell when a program asks what."""
    today = portal.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    if token.last_used_at is None or today - token.last_used_at >= timedelta(days=1):
        await portal.records.change_one(ApiToken, is_("id", token.id), last_used_at=today)


def _sum(secret: str) -> str:
    return f"{zlib.crc32(secret.encode('utf-8', 'surrogatepass')):08x}"
