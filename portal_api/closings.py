"""Closing one's account without being erased: nothing is lost, and whoever signs in comes back to all of it."""

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, PasswordReset
from isocket.domain.api_tokens import ApiToken
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off
from isocket.storage.port import is_
from portal_api import sessions
from portal_api.models import Body, Instant, View
from portal_api.problem import Problem, not_found
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import why_not_them

log = get_logger(__name__)
_NAMED = 20


class ClosingWish(Body):
    """The password once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "four words in a row"}]})

    password: str = Field(min_length=1, max_length=1024)


class ClosingView(View):
    """What closing does."""

    ended_at: Instant
    archived_from: Instant = Field(
        description="Sign in before that and everything is as it was. From then on what law wants kept lies sealed, "
        "and only two managers together can open it; the rest is erased."
    )


async def close(call: Call[ClosingWish, None]) -> ClosingView | Problem:
    """Close the account and end every session. Give up or hand over all sockets first: nobody would watch them."""
    wrong = await why_not_them(call.portal, call.account, call.body.password, client=call.client)
    if wrong is not None:
        return wrong
    mine = await call.records.find(Device, is_("owner_id", call.account.id), limit=_NAMED)
    if mine:
        names = ", ".join(each.called for each in mine)
        return Problem(
            status=409, kind="sockets-left", detail=f"Give these sockets up or hand them over first: {names}."
        )
    closed = await call.records.change_one(
        Account,
        is_("id", call.account.id),
        ended_at=call.clock.now(),
        credential_epoch=call.account.credential_epoch + 1,
    )
    if closed is None:
        return not_found()
    for kind in (PasswordReset, ApiToken, Home):
        await call.records.remove_all(kind, is_("account_id", closed.id))
    await sessions.end_all(call.portal, closed.id)
    await call_off(call.records, closed.id, call.clock.now())
    log.info("account_closed", account_id=closed.id)
    ended, sealed = closed.ended_at, call.portal.settings.archive.sealed_from(closed)
    if ended is None or sealed is None:
        raise RuntimeError("an account that was closed has an end")
    return ClosingView(ended_at=ended, archived_from=sealed)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/me/closing",
        handler=close,
        summary="Close my account",
        body=ClosingWish,
        answers={200: ClosingView},
        problems=(403, 404, 409, 429),
    ),
)
