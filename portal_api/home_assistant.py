"""Logins for a customer's own Home Assistant at our broker: made with a proof, listed, and taken back at any time.

Such a login sees the sockets of its owner, and switches them if it may; what others share with the owner it does not
see, and nothing about people. How it goes on from there is in `broker_bridge/home.py`.
"""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from isocket.domain.homes import HOME_PREFIX, Home
from isocket.domain.secrets import hash_secret, new_secret
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off
from isocket.storage.port import AlreadyThereError, Records, Test, is_
from portal_api.cursor import page_of
from portal_api.limits import Rate
from portal_api.models import Body, Instant, OneLine, Page, PageQuery, View
from portal_api.problem import Problem, not_found
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)
MOST_HOMES = 5  # of one account
MADE = Rate(name="homes", tries=20, per_s=86_400)  # of one account: the broker reads its accounts anew for each
_MADE: dict[str, Any] = {
    "id": "home_q3mzv6t2cs5hd4yofn7ab2k3xe",
    "name": "Summer house",
    "control": True,
    "created_at": "2026-11-22T12:00:00.000Z",
    "host": "cloud.example.org",
    "port": 8883,
    "tls": True,
    "username": "home_q3mzv6t2cs5hd4yofn7ab2k3xe",
}


class NewHome(Body):
    """Which home it is, and what it may do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Summer house"}, {"name": "A", "control": False}]}
    )

    name: Annotated[OneLine, Field(min_length=1)] = Field(description="Which home, so that you know it again.")
    control: bool = Field(default=True, description="Whether it switches; if not, it only sees.")


class HomeView(View):
    """A login of a Home Assistant, without its password; and what to type in there."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MADE]})

    id: str
    name: str
    control: bool
    created_at: Instant
    host: str = Field(description="`Broker` in the settings of the MQTT integration.")
    port: int
    tls: bool = Field(description="Whether it has to be reached by TLS; its certificate is a public one then.")
    username: str


class HomeMade(HomeView):
    """A new login. `password` is shown this once and stored as a hash only."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_MADE, "password": "pX3Z0q9vYkq2hJxUo4aLsDfGiBe6RqNvTyEwmP3rW0Z"}]}
    )

    password: str


async def show_all(call: Call[None, PageQuery]) -> Page[HomeView]:
    """List the logins of my Home Assistants."""
    found, following = await page_of(
        call.records, Home, *_good(call), cursor=call.query.cursor, limit=call.query.limit, order_by="created_at"
    )
    return Page[HomeView](items=[HomeView(**_seen(call, each)) for each in found], next=following)


async def make(call: Call[NewHome, None]) -> HomeMade | Problem:
    """Make a login for a Home Assistant; it is let in within a second.

    With it the MQTT integration finds all sockets of one's own by itself, also those to come, and loses those that are
    given away. It ends when it is revoked, with a new password of the account, and with the account.
    """
    if call.portal.settings.home_broker is None:
        detail = "This cloud uses a broker of somebody else, at which no logins can be made from here."
        return Problem(status=409, kind="not-offered", detail=detail)
    if await call.records.count(Home, *_good(call)) >= MOST_HOMES:
        return _too_many()
    await call.portal.limits.demand(MADE, call.account.id)
    secret = new_secret()
    made = Home(
        id=new_id(HOME_PREFIX.removesuffix("_")),
        account_id=call.account.id,
        name=call.body.name,
        secret_hash=hash_secret(secret),
        control=call.body.control,
        credential_epoch=call.account.credential_epoch,
        created_at=call.clock.now(),
    )
    if not await _seated(call.records, made):
        return _too_many()
    log.info("home_made", home_id=made.id)
    return HomeMade(password=secret, **_seen(call, made))


async def _seated(records: Records, made: Home) -> bool:
    """Store a login in the first seat that is free; False where others who asked at the same time took the last."""
    for seat in range(MOST_HOMES):
        try:
            await records.add(replace(made, seat=seat))
        except AlreadyThereError:
            continue
        return True
    return False


def _too_many() -> Problem:
    return Problem(status=409, kind="too-many-homes", detail=f"An account has up to {MOST_HOMES} of them.")


async def revoke(call: Call[None, None]) -> Problem | None:
    """End a login: its connection is cut within a second, and what it asked of sockets that are away ends."""
    one = (is_("id", call.path["home_id"]), is_("account_id", call.account.id))
    if not await call.records.remove_all(Home, *one):
        return not_found()
    await call_off(call.records, call.account.id, call.clock.now(), is_("asked_with", call.path["home_id"]))
    log.info("home_revoked", home_id=call.path["home_id"])
    return None


def _good(call: Call[Any, Any]) -> tuple[Test, ...]:
    """Return what fits the caller's logins that did not end with an older password."""
    return (is_("account_id", call.account.id), is_("credential_epoch", call.account.credential_epoch))


def _seen(call: Call[Any, Any], home: Home) -> dict[str, Any]:
    broker = call.portal.settings.home_broker
    return {
        "id": home.id,
        "name": home.name,
        "control": home.control,
        "created_at": home.created_at,
        "host": broker.host if broker else "",
        "port": broker.port if broker else 0,
        "tls": broker.tls if broker else False,
        "username": home.id,
    }


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/home-assistant",
        handler=show_all,
        summary="List the logins of my Home Assistants",
        query=PageQuery,
        answers={200: Page[HomeView]},
    ),
    Route(
        method="POST",
        path="/home-assistant",
        handler=make,
        summary="Make a login for a Home Assistant",
        body=NewHome,
        answers={201: HomeMade},
        problems=(409, 429),
        step_up=True,
    ),
    Route(
        method="DELETE",
        path="/home-assistant/{home_id}",
        handler=revoke,
        summary="End the login of a Home Assistant",
        answers={204: None},
    ),
)
