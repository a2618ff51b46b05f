"""One's own profile."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, AccountRole
from isocket.domain.contacts import Contact
from isocket.storage.port import Records, Test, is_
from portal_api.models import Body, Instant, OneLine, View
from portal_api.outgoing import look_again_at_what_sleeps
from portal_api.problem import Problem, changed_meanwhile, not_found
from portal_api.registration import owner_contact_id
from portal_api.routes import AnyRoute, Call, Route
from portal_api.unheard import unheard_incidents
from portal_api.usernames import Language, TimeZone


class Me(View):
    """The account that asks."""

    id: str
    username: str
    name: str
    language: str = Field(examples=["fi"])
    time_zone: str = Field(examples=["Europe/Helsinki"])
    role: AccountRole
    created_at: Instant
    unheard: int = Field(description="Alarms that reached nobody and that you have not seen: see `GET /unheard`.")


class MeChange(Body):
    """What to change of one's profile; what is absent stays. The address itself changes elsewhere, with proof."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "sv", "time_zone": "Europe/Stockholm"}]})

    name: OneLine = ""
    language: Language = "en"
    time_zone: TimeZone = "UTC"


async def show(call: Call[None, None]) -> Me:
    """Show one's own profile."""
    return await _me(call, call.account)


async def change(call: Call[MeChange, None]) -> Me | Problem:
    """Change name, language or time zone, also of the contact that is one's own address."""
    changes: dict[str, Any] = {name: getattr(call.body, name) for name in call.body.model_fields_set}
    call.demand_match(call.account.version)
    if not changes:
        return await _me(call, call.account)
    as_seen = [is_("version", call.account.version)] if call.conditional else []
    account = await corrected(call.records, call.account.id, changes, *as_seen, now=call.clock.now())
    if account is None:
        return changed_meanwhile() if call.conditional else not_found()
    return await _me(call, account)


async def corrected(
    records: Records, account_id: str, changes: dict[str, Any], *as_seen: Test, now: datetime
) -> Account | None:
    """Write name, language or time zone of an account and of its own contact; None where it is not `as_seen`."""
    account = await records.change_one(Account, is_("id", account_id), *as_seen, **changes)
    if account is None:
        return None
    contact = dict(changes)
    if "name" in contact:
        contact["name"] = contact["name"] or account.email
    await records.change_one(Contact, is_("id", owner_contact_id(account.id)), **contact)
    if "time_zone" in contact:
        await look_again_at_what_sleeps(records, owner_contact_id(account.id), now)
    return account


async def _me(call: Call[Any, Any], account: Account) -> Me:
    return Me(
        id=account.id,
        username=account.email,
        name=account.name,
        language=account.language,
        time_zone=account.time_zone,
        role=account.role,
        created_at=account.created_at,
        unheard=len(await unheard_incidents(call.records, account.id)),
    ).of_version(account.version)


ROUTES: tuple[AnyRoute, ...] = (
    Route(method="GET", path="/me", handler=show, summary="Show my profile", answers={200: Me}),
    Route(
        method="PATCH",
        path="/me",
        handler=change,
        summary="Change my profile",
        body=MeChange,
        answers={200: Me},
        conditional=True,
    ),
)
