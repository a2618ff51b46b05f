"""The ladders: who is told of an alarm, by which channels, after how many seconds. For all sockets, or for one."""

from typing import Annotated, Any, Literal
from zlib import crc32

from pydantic import ConfigDict, Field

from isocket.domain.contacts import Contact, Escalation
from isocket.domain.ladders import Ladder, Source, ladder_of
from isocket.domain.recipients import People, contacts_of
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.ladders_at import ladders_at
from isocket.storage.looked_at_again import ladders_looked_at_after
from isocket.storage.port import AlreadyThereError, Records, Test, is_
from portal_api.models import Body, View
from portal_api.owned import own_device
from portal_api.problem import FieldFault, Problem, changed_meanwhile, faults
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)
MOST_STEPS = 20
REPEAT_AFTER_S = 600
A_DAY_S = 86_400
ChannelName = Literal["sms", "voice", "email", "push", "webhook"]
_EXAMPLE: dict[str, Any] = {
    "steps": [
        {"contacts": ["con_d4yofn7ab2k3xeq3mzv6t2cs5h"], "channels": ["push", "sms"], "after_s": 0},
        {"contacts": ["con_d4yofn7ab2k3xeq3mzv6t2cs5h"], "channels": ["voice"], "after_s": 90},
        {"contacts": ["con_cs5hd4yofn7ab2k3xeq3mzv6t2"], "channels": ["sms", "email"], "after_s": 300},
    ],
    "repeat": 2,
    "repeat_after_s": 900,
    "cap": 20,
    "remind_after_s": 3600,
}


class Step(Body):
    """One step of a ladder."""

    contacts: Annotated[list[str], Field(min_length=1, max_length=50)] = Field(description="Ids of contacts.")
    channels: Annotated[list[ChannelName], Field(max_length=5)] = Field(
        default=[],
        description="Empty: by whichever the contact has verified; calls only where nothing else is verified.",
    )
    after_s: int = Field(default=0, ge=0, le=A_DAY_S, description="Seconds after the alarm.")


class NewLadder(Body):
    """A ladder; without steps the ladder is taken away, and the one below it holds again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, {"steps": []}]})

    steps: list[Step] = Field(max_length=MOST_STEPS)
    repeat: int = Field(
        default=0, ge=0, le=9, description="How many more times the whole ladder is climbed until somebody answers."
    )
    repeat_after_s: int = Field(
        default=REPEAT_AFTER_S,
        ge=60,
        le=A_DAY_S,
        description="Seconds from the last step to the first of the next time.",
    )
    cap: int | None = Field(
        default=None,
        ge=1,
        le=500,
        description="Most alarms of one incident, all people and ways together. It never holds back a critical one.",
    )
    remind_after_s: int | None = Field(
        default=None,
        ge=0,
        le=A_DAY_S,
        description="So long after somebody acknowledged they are asked whether they are still on it. "
        "Null: as usual for how much it matters; 0: never.",
    )


class StepView(View):
    """One step of a ladder."""

    contacts: list[str]
    channels: list[str] = Field(description="Empty: by whichever the contact has verified.")
    after_s: int


class LadderView(View):
    """The ladder that holds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "default": False, "source": "account"}]})

    steps: list[StepView]
    repeat: int
    repeat_after_s: int
    cap: int | None
    remind_after_s: int | None
    default: bool = Field(description="None was set here: this is what holds in its place.")
    source: Source


async def show_account(call: Call[None, None]) -> LadderView:
    """Show the ladder for all sockets. Without one: every verified alarm contact, by each verified channel, at once."""
    return (await _seen(call, None))[0]


async def show_device(call: Call[None, None]) -> LadderView:
    """Show the ladder of one socket; without one of its own, the ladder for all sockets."""
    device = await own_device(call)
    return (await _seen(call, device.id))[0]


async def set_account(call: Call[NewLadder, None]) -> LadderView | Problem:
    """Set the ladder for all sockets."""
    return await _set(call, None)


async def set_device(call: Call[NewLadder, None]) -> LadderView | Problem:
    """Set the ladder of one socket."""
    device = await own_device(call)
    return await _set(call, device.id)


async def _set(call: Call[NewLadder, None], device_id: str | None) -> LadderView | Problem:
    foreign = await _foreign(call)
    if foreign:
        return faults(foreign)
    account_id = call.account.id
    ladder_id = derived_id("esc", account_id, device_id or "")
    ladder = Escalation(id=ladder_id, account_id=account_id, device_id=device_id, **stored_ladder(call.body))
    async with ladders_looked_at_after(call.records, account_id, call.clock):
        if call.conditional:
            view, seen = await _seen(call, device_id)
            call.demand_match(view.version_shown or 0)
            if not await _replace(call.records, seen, ladder):
                return changed_meanwhile()
        else:
            await _put(call.records, ladder)
    log.info("ladder_set", account_id=account_id, device_id=device_id, steps=len(call.body.steps))
    return (await _seen(call, device_id))[0]


async def _put(records: Records, ladder: Escalation) -> None:
    """Store a ladder, or take it away if it has no steps, whatever is there."""
    if not ladder.steps:
        await records.remove_all(Escalation, is_("id", ladder.id))
    elif await _change(records, ladder) is None and not await _add(records, ladder):
        await _change(records, ladder)


async def _replace(records: Records, seen: Escalation | None, ladder: Escalation) -> bool:
    """Do the same only if what is there is still as it was seen; return whether it was."""
    if seen is None:
        return not ladder.steps or await _add(records, ladder)
    as_seen = is_("version", seen.version)
    if not ladder.steps:
        return await records.remove_all(Escalation, is_("id", ladder.id), as_seen) > 0
    return await _change(records, ladder, as_seen) is not None


async def _add(records: Records, ladder: Escalation) -> bool:
    try:
        await records.add(ladder)
    except AlreadyThereError:
        return False
    return True


async def _change(records: Records, ladder: Escalation, *tests: Test) -> Escalation | None:
    changes = {name: getattr(ladder, name) for name in ("steps", "repeat", "repeat_after_s", "cap", "remind_after_s")}
    return await records.change_one(Escalation, is_("id", ladder.id), *tests, **changes)


async def _foreign(call: Call[NewLadder, None]) -> list[FieldFault]:
    """Return a fault for each contact that is not one of the caller's."""
    own = {each.id for each in await call.records.find(Contact, is_("account_id", call.account.id))}
    return [
        FieldFault(field=f"steps.{number}.contacts.{place}", message="You have no such contact.")
        for number, step in enumerate(call.body.steps)
        for place, contact_id in enumerate(step.contacts)
        if contact_id not in own
    ]


async def _seen(call: Call[Any, Any], device_id: str | None) -> tuple[LadderView, Escalation | None]:
    """Return the ladder that holds for a socket or for all, and what is stored just there."""
    contacts = await call.records.find(Contact, is_("account_id", call.account.id))
    stored = await call.records.find(Escalation, *ladders_at(call.account.id, [device_id] if device_id else []))
    here = next((each for each in stored if each.device_id == device_id), None)
    people = People(contacts={each.id: each for each in contacts})
    view = _view((ladder_of(device_id, stored), people), Source.DEVICE if device_id else Source.ACCOUNT)
    return view.of_version(_version(here)), here


def _version(ladder: Escalation | None) -> int:
    """Return a version that also changes where a ladder is taken away and set anew; 0: there is none."""
    return 0 if ladder is None else crc32(repr(ladder).encode()) + 1


def stored_ladder(wish: NewLadder) -> dict[str, Any]:
    """Return what is stored of a ladder."""
    return {
        "steps": tuple(_stored_step(step) for step in sorted(wish.steps, key=lambda step: step.after_s)),
        "repeat": wish.repeat,
        "repeat_after_s": wish.repeat_after_s,
        "cap": wish.cap,
        "remind_after_s": wish.remind_after_s,
    }


def _stored_step(step: Step) -> dict[str, Any]:
    return {
        "contact_ids": list(dict.fromkeys(step.contacts)),
        "channels": list(dict.fromkeys(step.channels)),
        "after_s": step.after_s,
    }


def _view(found: tuple[Ladder, People], here: Source) -> LadderView:
    ladder, people = found
    steps = [
        StepView(
            contacts=list(contacts_of(rung, people)),
            channels=[channel.value for channel in rung.channels or ()],
            after_s=round(rung.after_s),
        )
        for rung in ladder.rungs
    ]
    return LadderView(
        steps=[step for step in steps if step.contacts],
        repeat=ladder.repeat,
        repeat_after_s=round(ladder.repeat_after_s) or REPEAT_AFTER_S,
        cap=ladder.cap,
        remind_after_s=None if ladder.remind_after_s is None else round(ladder.remind_after_s),
        default=ladder.source is not here,
        source=ladder.source,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(method="GET", path="/escalation", handler=show_account, summary="Show my ladder", answers={200: LadderView}),
    Route(
        method="PUT",
        path="/escalation",
        handler=set_account,
        summary="Set my ladder",
        body=NewLadder,
        answers={200: LadderView},
        conditional=True,
    ),
    Route(
        method="GET",
        path="/devices/{device_id}/escalation",
        handler=show_device,
        summary="Show the ladder of a socket",
        answers={200: LadderView},
    ),
    Route(
        method="PUT",
        path="/devices/{device_id}/escalation",
        handler=set_device,
        summary="Set the ladder of a socket",
        body=NewLadder,
        answers={200: LadderView},
        conditional=True,
    ),
)
