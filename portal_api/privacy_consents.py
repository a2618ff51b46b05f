"""What I agreed to, and what I object to: read and changed at any time, with effect at once."""

from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.consents import (
    Consent,
    ConsentBy,
    SubscriptionState,
    wording_of,
)
from isocket.domain.contacts import Contact
from isocket.domain.restrictions import OBJECTED, Objection, ObjectionTo, objection_id
from isocket.storage.looked_at_again import ladders_looked_at_after, left_looked_at_after
from isocket.storage.port import is_, is_not
from portal_api import subscribing
from portal_api.following import Following
from portal_api.forgetting import Parts
from portal_api.models import Body, Instant, View
from portal_api.portal import Portal
from portal_api.registration import owner_contact_id
from portal_api.routes import AnyRoute, Call, Route


class ConsentLine(View):
    """One line of the ledger. Lines are only ever added."""

    at: Instant
    kind: str = Field(examples=["newsletter"])
    step: str = Field(examples=["given"], description="`given` or `withdrawn`.")
    by: str = Field(examples=["by the link in a mail"])
    wording_version: str
    wording_hash: str = Field(description="SHA-256 of the exact words.")
    language: str
    policy_version: str = Field(description="The privacy policy in force at that time.")


class ConsentsView(View):
    """What rests on your consent, and how it came to be. Nothing else that we do rests on consent."""

    newsletter: bool
    waiting: bool = Field(description="Asked for, and the mailbox has not answered yet.")
    wording: str = Field(description="What the newsletter's consent says now.")
    history: list[ConsentLine]


class ConsentsWish(Body):
    """What to agree to from now on, and what not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"newsletter": True}]})

    newsletter: bool


class ObjectionsView(View):
    """The uses that you object to."""

    newsletter: bool
    statistics: bool = Field(description="You are left out of every count.")
    surveys: bool = Field(description="You are not asked for a review or an opinion.")
    alarms: bool = Field(description="You yourself are told of no alarm; other contacts still are.")


class ObjectionsWish(Body):
    """What to object to from now on, and what not any more; what is not named stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"newsletter": True, "statistics": True}]})

    newsletter: bool | None = None
    statistics: bool | None = None
    surveys: bool | None = None
    alarms: bool | None = None


async def show_consents(call: Call[None, None]) -> ConsentsView:
    """Show what you agreed to and every step of it."""
    return await _consents(call.portal, call.account)


async def change_consents(call: Call[ConsentsWish, None]) -> ConsentsView:
    """Agree, or take it back. Taking it back works at once, also for what is on its way."""
    portal, account = call.portal, call.account
    if call.body.newsletter:
        await subscribing.subscribe(portal, account)
    else:
        await _leave(portal, account, ConsentBy.ACCOUNT)
    return await _consents(portal, account)


async def show_objections(call: Call[None, None]) -> ObjectionsView:
    """Show the uses that you object to."""
    return await objections_of(call.portal, call.account)


async def change_objections(call: Call[ObjectionsWish, None]) -> ObjectionsView:
    """Object to uses of your data, or take that back. It works at once."""
    await follow_objections(call.portal, call.account, call.body)
    return await objections_of(call.portal, call.account)


async def follow_objections(parts: Following, account: Account, wish: ObjectionsWish) -> None:
    """Do what somebody wants who objects, or takes that back."""
    for to in ObjectionTo:
        wanted = getattr(wish, to.value)
        if wanted is not None:
            await set_objection(parts, account, to, on=wanted)
    if wish.alarms is not None:
        await _object_to_alarms(parts, account, on=wish.alarms)


async def set_objection(portal: Following, account: Account, to: ObjectionTo, *, on: bool) -> None:
    """Note that an account objects to a use of its data, or does not any more. One to the newsletter ends it."""
    made = Objection(id=objection_id(account.id, to), account_id=account.id, to=to, at=portal.clock.now())
    if not on:
        await portal.records.remove_all(Objection, is_("id", made.id))
        return
    await portal.records.add_all([made])
    if to is ObjectionTo.NEWSLETTER:
        await _leave(portal, account, ConsentBy.OBJECTION)


async def _object_to_alarms(portal: Following, account: Account, *, on: bool) -> None:
    """Pause the account's own contact, as of now; a pause that has another reason keeps it."""
    own = is_("id", owner_contact_id(account.id))
    if on:
        now, otherwise = portal.clock.now(), (is_not("paused_at", None), is_not("pause_reason", OBJECTED))
        async with left_looked_at_after(portal.records, account.id, portal.clock):
            paused: dict[str, Any] = {"paused_at": now, "pause_reason": OBJECTED}
            if await portal.records.change_one(Contact, own, is_("paused_at", None), **paused) is None:
                await portal.records.change_one(Contact, own, *otherwise, paused_at=now)  # they may have one in hand
    else:
        objected = (own, is_not("paused_at", None), is_("pause_reason", OBJECTED))
        async with ladders_looked_at_after(portal.records, account.id, portal.clock):
            await portal.records.change_one(Contact, *objected, paused_at=None, pause_reason=None)


async def _leave(portal: Following, account: Account, by: ConsentBy) -> None:
    found = await subscribing.subscription_of(portal, account)
    if found is not None:
        await subscribing.leave(portal, found, by)


async def _consents(portal: Portal, account: Account) -> ConsentsView:
    found = await subscribing.subscription_of(portal, account)
    lines = await portal.records.find(Consent, is_("account_id", account.id), order_by="at")
    return ConsentsView(
        newsletter=found is not None and found.state is SubscriptionState.CONFIRMED,
        waiting=found is not None and found.state is SubscriptionState.ASKED,
        wording=wording_of(account.language).text,
        history=[
            ConsentLine(
                at=each.at,
                kind=each.kind.value,
                step=each.step.value,
                by=each.by.value,
                wording_version=each.wording_version,
                wording_hash=each.wording_hash,
                language=each.language,
                policy_version=each.policy_version,
            )
            for each in lines
        ],
    )


async def objections_of(portal: Parts, account: Account) -> ObjectionsView:
    """Return the uses that an account objects to."""
    found = {each.to for each in await portal.records.find(Objection, is_("account_id", account.id))}
    own = await portal.records.get(Contact, owner_contact_id(account.id))
    return ObjectionsView(
        newsletter=ObjectionTo.NEWSLETTER in found,
        statistics=ObjectionTo.STATISTICS in found,
        surveys=ObjectionTo.SURVEYS in found,
        alarms=own is not None and own.paused_at is not None and own.pause_reason == OBJECTED,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/consents",
        handler=show_consents,
        summary="What I agreed to",
        answers={200: ConsentsView},
    ),
    Route(
        method="PUT",
        path="/privacy/consents",
        handler=change_consents,
        summary="Agree, or take it back",
        body=ConsentsWish,
        answers={200: ConsentsView},
    ),
    Route(
        method="GET",
        path="/privacy/objections",
        handler=show_objections,
        summary="The uses that I object to",
        answers={200: ObjectionsView},
    ),
    Route(
        method="PUT",
        path="/privacy/objections",
        handler=change_objections,
        summary="Object to uses of my data",
        body=ObjectionsWish,
        answers={200: ObjectionsView},
    ),
)
