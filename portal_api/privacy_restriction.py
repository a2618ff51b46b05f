"""A pause in which my data is only kept (Art. 18): what that does to alarms is told, and I choose."""

from datetime import timedelta
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.call_offs import CallOff
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.letters import Letter
from isocket.domain.restriction_letters import lifting_mail, restricted_mail
from isocket.domain.restrictions import AlarmsMeanwhile, Restriction, restriction_id
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import above, is_, one_of
from portal_api.following import Following
from portal_api.models import Body, Instant, View
from portal_api.outgoing import notice_to
from portal_api.portal import Portal
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)

_WITH_PROVIDER = (DeliveryState.CALLING, DeliveryState.UNCLEAR, DeliveryState.SENT)
_LONGEST_RINGING = timedelta(minutes=15)  # no call that was made longer ago rings or is listened to
PAGE = "/privacy"
CONSEQUENCES = (
    "Your data is kept and you can read it; our staff, statistics and the newsletter do not use it.",
    "Where alarms go on, your sockets are watched and people are told of alarms as before.",
    "Where alarms stop, nobody is told of any alarm, whatever your sockets report; each alarm's timeline says so.",
    "You can end it at any time; if we want to end it, you are told a week before.",
)


class RestrictionWish(Body):
    """Whether to restrict, and what becomes of alarms meanwhile."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": True, "alarms": "continue"}]})

    on: bool
    alarms: AlarmsMeanwhile = Field(default=AlarmsMeanwhile.CONTINUE, strict=False)


class RestrictionView(View):
    """Whether your data is only kept, and what that means."""

    on: bool
    since: Instant | None = None
    alarms: AlarmsMeanwhile | None = None
    lifts_at: Instant | None = Field(default=None, description="When it ends, where that is decided.")
    consequences: list[str]


async def show(call: Call[None, None]) -> RestrictionView:
    """Show whether my data is only kept, and what a restriction does."""
    return _view(call.portal, await call.records.get(Restriction, restriction_id(call.account.id)))


async def change(call: Call[RestrictionWish, None]) -> RestrictionView:
    """Restrict the use of my data, choose anew what becomes of alarms, or end the restriction.

    Word of it goes out by mail: somebody else at your account must not silence your alarms unseen.
    """
    portal, account = call.portal, call.account
    async with portal.turns.of(f"restriction {account.id}"):
        held = await portal.records.get(Restriction, restriction_id(account.id))
        if call.body.on:
            held = await restrict(portal, account, call.body.alarms)
        elif held is not None and held.is_in_force(portal.clock.now()):
            held = await _lift(portal, account, held)
    return _view(portal, held)


async def restrict(parts: Following, account: Account, alarms: AlarmsMeanwhile) -> Restriction | None:
    """Have the data of an account only kept from now on, and tell its holder; what is in force so stays as it is."""
    now = parts.clock.now()
    held = await parts.records.get(Restriction, restriction_id(account.id))
    if held is not None and held.is_in_force(now) and held.alarms is alarms and held.lifts_at is None:
        return held
    since = held.since if held is not None and held.is_in_force(now) else now
    made = Restriction(id=restriction_id(account.id), account_id=account.id, since=since, alarms=alarms)
    await parts.records.add_all(
        [_word(parts, account, restricted_mail(account.language, alarms, _page(parts)), alarms)]
    )
    if not await parts.records.add_all([made]):
        changes: dict[str, Any] = {"since": since, "alarms": alarms, "lifts_at": None, "lifted_by": ""}
        await parts.records.change_one(Restriction, is_("id", made.id), **changes)
    if alarms is AlarmsMeanwhile.STOP:
        await _call_off_calls(parts, account)
    elif held is not None and held.stops_alarms(now):
        await _look_at_what_is_open(parts, account)
    log.info("restricted", account_id=account.id, answer=alarms.value)
    return await parts.records.get(Restriction, made.id)


async def _lift(portal: Portal, account: Account, held: Restriction) -> Restriction | None:
    """End it at its holder's own word: whoever asks for it knows beforehand; the mail is for whoever did not ask."""
    now = portal.clock.now()
    await portal.records.add_all([_word(portal, account, lifting_mail(account.language, now, _page(portal)), "over")])
    log.info("restriction_lifted", account_id=account.id)
    lifted = await portal.records.change_one(Restriction, is_("id", held.id), lifts_at=now, lifted_by="person")
    if held.stops_alarms(now):
        await _look_at_what_is_open(portal, account)
    return lifted


async def _look_at_what_is_open(parts: Following, account: Account) -> None:
    """Have the ladders of what is still wrong looked at now: who waits for word of it has waited long enough."""
    await parts.records.change_all(
        Incident,
        is_("account_id", account.id),
        is_("state", IncidentState.OPEN),
        is_("needs_step", True),
        step_due_at=parts.clock.now(),
    )


async def _call_off_calls(parts: Following, account: Account) -> None:
    """Have the provider let go of telephones that ring for an alarm at this moment; what waits is stopped anyhow."""
    now = parts.clock.now()
    calls = await parts.records.find(
        Delivery,
        is_("account_id", account.id),
        one_of("state", _WITH_PROVIDER),
        is_("channel", ChannelKind.VOICE),
        is_("kind", DeliveryKind.ALARM),
        above("created_at", now - _LONGEST_RINGING),
    )
    wishes = [
        CallOff(
            id=derived_id("off", each.id),
            delivery_id=each.id,
            incident_id=each.incident_id or "",
            account_id=each.account_id,
            person_id=each.person_id,
            wished_at=now,
            due_at=now,
        )
        for each in calls
    ]
    await parts.records.add_all(wishes)


def _word(parts: Following, account: Account, letter: Letter, what: str) -> Delivery:
    now = parts.clock.now()
    return notice_to(account, letter, now, once=("restriction", account.id, what, now.isoformat()))


def _page(parts: Following) -> str:
    return parts.settings.link(PAGE)


def _view(portal: Portal, held: Restriction | None) -> RestrictionView:
    said = list(CONSEQUENCES)
    if held is None or not held.is_in_force(portal.clock.now()):
        return RestrictionView(on=False, consequences=said)
    return RestrictionView(on=True, since=held.since, alarms=held.alarms, lifts_at=held.lifts_at, consequences=said)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/restriction",
        handler=show,
        summary="Whether my data is only kept",
        answers={200: RestrictionView},
    ),
    Route(
        method="PUT",
        path="/privacy/restriction",
        handler=change,
        summary="Have my data only kept, or used again",
        body=RestrictionWish,
        answers={200: RestrictionView},
        step_up=True,
    ),
)
