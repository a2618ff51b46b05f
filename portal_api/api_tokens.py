"""Personal API tokens: a customer lets a program, or somebody else's service, at their own sockets.

This is also the direct, continuous access to the data of a product that its user may give to a third party
(Regulation (EU) 2023/2854, Articles 4 and 5): listed, limited, with an end, and taken back at any time.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.devices import Device
from isocket.kit.ids import new_id, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off
from isocket.storage.port import Test, above, is_, one_of
from portal_api.cursor import page_of
from portal_api.models import Body, Instant, OneLine, Page, PageQuery, View
from portal_api.problem import FieldFault, Problem, faults, not_found
from portal_api.routes import AnyRoute, Call, Route
from portal_api.token_use import new_api_token

log = get_logger(__name__)
MOST_TOKENS = 50  # of one account
USUAL_DAYS, MOST_DAYS = 365, 730
_MADE: dict[str, Any] = {
    "id": "tok_q3mzv6t2cs5hd4yofn7ab2k3xe",
    "name": "Energy adviser",
    "purpose": "Hourly temperatures, to advise on heating",
    "scopes": ["read:telemetry"],
    "device_ids": ["is7k2m9q4xw1"],
    "created_at": "2026-11-22T12:00:00.000Z",
    "expires_at": "2027-11-22T12:00:00.000Z",
    "last_used_on": None,
}
_SCOPES_SAID = (
    "`read:telemetry`: sockets, what they report and are set to. `control`: commands and settings. "
    "`alarms`: incidents with the names of who was told, acknowledging them, and readiness."
)


def _each_once(given: list[Any]) -> list[Any]:
    return sorted(set(given))


_Scope = Annotated[Scope, Field(strict=False)]  # by its name, from pages as well


class NewApiToken(Body):
    """What a token is for, and what it may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Energy adviser",
                    "purpose": "Hourly temperatures, to advise on heating",
                    "scopes": ["read:telemetry"],
                    "device_ids": ["is7k2m9q4xw1"],
                    "days": 365,
                },
                {"name": "Home automation", "scopes": ["read:telemetry", "control"]},
            ]
        }
    )

    name: Annotated[OneLine, Field(min_length=1)] = Field(description="Which program, or whose service.")
    purpose: OneLine = Field(default="", description="What they need it for, as they told you.")
    scopes: Annotated[list[_Scope], Field(min_length=1, max_length=3), AfterValidator(_each_once)] = Field(
        description=_SCOPES_SAID
    )
    device_ids: Annotated[list[str], Field(min_length=1, max_length=200), AfterValidator(_each_once)] | None = Field(
        default=None, description="Only these sockets of yours; null: all of yours, also those to come."
    )
    days: int = Field(default=USUAL_DAYS, ge=1, le=MOST_DAYS, description="So long it is good.")


class ApiTokenView(View):
    """A token, without the token itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MADE]})

    id: str
    name: str
    purpose: str
    scopes: list[Scope]
    device_ids: list[str] | None = Field(description="Null: all sockets of yours.")
    created_at: Instant
    expires_at: Instant
    last_used_on: Instant | None = Field(description="The day (UTC) of its last use; null: never used.")


class ApiTokenMade(ApiTokenView):
    """A new token. `token` is shown this once and stored as a hash only."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_MADE, "token": "isk_mP3rW0Zk1t8n5c7VYQ2hJxUo4aLsDfGiBe6RqNvTyEw5d41c8a0"}]}
    )

    token: str = Field(description="Goes into `Authorization: Bearer`, and nowhere else.")


async def show_all(call: Call[None, PageQuery]) -> Page[ApiTokenView]:
    """List my tokens that are good: whom I let at what, until when, and on which day it was last used."""
    found, following = await page_of(
        call.records, ApiToken, *_good(call), cursor=call.query.cursor, limit=call.query.limit, order_by="created_at"
    )
    return Page[ApiTokenView](items=[ApiTokenView(**_seen(each)) for each in found], next=following)


async def make(call: Call[NewApiToken, None]) -> ApiTokenMade | Problem:
    """Make a token. It reaches sockets of one's own only, never what others share with one."""
    wish, now = call.body, call.clock.now()
    if await call.records.count(ApiToken, *_good(call)) >= MOST_TOKENS:
        return Problem(status=409, kind="too-many-tokens", detail=f"An account has up to {MOST_TOKENS} tokens.")
    foreign = await _foreign(call, wish.device_ids or [])
    if foreign:
        return faults(foreign)
    token = new_api_token()
    made = ApiToken(
        id=new_id("tok"),
        account_id=call.account.id,
        name=wish.name,
        purpose=wish.purpose,
        token_hash=token_hash(token),
        scopes=tuple(wish.scopes),
        device_ids=None if wish.device_ids is None else tuple(wish.device_ids),
        credential_epoch=call.account.credential_epoch,
        created_at=now,
        expires_at=now + timedelta(days=wish.days),
    )
    await call.records.add(made)
    log.info("api_token_made", api_token_id=made.id)
    return ApiTokenMade(token=token, **_seen(made))


async def revoke(call: Call[None, None]) -> Problem | None:
    """End a token at once; streams that it holds open end as well, and what it asked of sockets that are away."""
    one = (is_("id", call.path["token_id"]), is_("account_id", call.account.id))
    if not await call.records.remove_all(ApiToken, *one):
        return not_found()
    await call_off(call.records, call.account.id, call.clock.now(), is_("asked_with", call.path["token_id"]))
    log.info("api_token_revoked", api_token_id=call.path["token_id"])
    return None


def _good(call: Call[Any, Any]) -> tuple[Test, ...]:
    """Return what fits the caller's tokens that are not over: neither by time nor with an older password."""
    return (
        is_("account_id", call.account.id),
        is_("credential_epoch", call.account.credential_epoch),
        above("expires_at", call.clock.now()),
    )


async def _foreign(call: Call[Any, Any], device_ids: list[str]) -> list[FieldFault]:
    own = await call.records.find(Device, is_("owner_id", call.account.id), one_of("id", device_ids))
    mine = {each.id for each in own}
    return [
        FieldFault(field=f"device_ids.{number}", message="You have no such socket.")
        for number, device_id in enumerate(device_ids)
        if device_id not in mine
    ]


def _seen(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "purpose": token.purpose,
        "scopes": list(token.scopes),
        "device_ids": None if token.device_ids is None else list(token.device_ids),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_on": token.last_used_at,
    }


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/api-tokens",
        handler=show_all,
        summary="List my API tokens",
        query=PageQuery,
        answers={200: Page[ApiTokenView]},
    ),
    Route(
        method="POST",
        path="/api-tokens",
        handler=make,
        summary="Make an API token",
        body=NewApiToken,
        answers={201: ApiTokenMade},
        problems=(409,),
        step_up=True,
    ),
    Route(
        method="DELETE",
        path="/api-tokens/{token_id}",
        handler=revoke,
        summary="Revoke an API token",
        answers={204: None},
    ),
)
