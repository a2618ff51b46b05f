"""Holds, for the staff who place, review and end them: what of a customer must not get lost, why and until when."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.erasures import HOLD_UNCOPIED, Erasure, ErasureState
from isocket.domain.handling import Purpose
from isocket.domain.holds import HeldCopy, Hold, HoldGround, HoldState, Part
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, one_of
from portal_api.cursor import page_of
from portal_api.models import Body, GivenDay, Instant, OneLine, Page, PageQuery, View
from portal_api.portal import Portal
from portal_api.privacy_requests import Words
from portal_api.problem import FieldFault, Problem, faults, not_now
from portal_api.routes import AnyRoute, Call
from portal_api.staff_looks import look
from portal_api.staff_routes import begun, customer, named, privacy_route
from portal_api.usernames import Username

log = get_logger(__name__)

LONGEST_REVIEW = timedelta(days=366)
LONGEST = timedelta(days=3653)
_OVER = (HoldState.OVER, HoldState.EMPTIED)


class WhichHolds(StrEnum):
    """Which holds."""

    IN_FORCE = "in_force"
    OVER = "over"


class HoldsQuery(PageQuery):
    """Which holds, the first review first."""

    show: WhichHolds = WhichHolds.IN_FORCE


class NewHold(Body):
    """What of whom is to be kept, why, and until when. Name the account by its id or its mailbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "maija@example.org",
                    "ground": "warranty",
                    "parts": ["incidents", "messages"],
                    "reason": "She says that no text came when the power went on 3 November.",
                    "reference": "claim 2026-118",
                    "review_on": "2027-02-01",
                    "ends_on": "2027-11-30",
                }
            ]
        }
    )

    account_id: Annotated[str | None, Field(max_length=64)] = None
    email: Username | None = None
    ground: Annotated[HoldGround, Field(strict=False)]
    parts: Annotated[list[Annotated[Part, Field(strict=False)]], Field(min_length=1, max_length=len(Part))]
    reason: Annotated[Words, Field(min_length=10)]
    reference: OneLine = Field(default="", description="Of the claim; of an order it is needed.")
    review_on: Annotated[GivenDay, Field(description="By then somebody has to look again; within a year.")]
    ends_on: Annotated[GivenDay, Field(description="With that day it ends by itself.")]
    silent_until: GivenDay | None = Field(
        default=None, description="Only for an order that forbids to tell the person before."
    )


class Review(Body):
    """Why it is needed still, and until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"words": "The court meets in March.", "review_on": "2027-04-01", "ends_on": "2027-12-31"}]
        }
    )

    words: Annotated[Words, Field(min_length=10)]
    review_on: GivenDay
    ends_on: GivenDay


class Ending(Body):
    """Why it is not needed any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "The claim was settled on 2 February."}]})

    words: Annotated[Words, Field(min_length=10)]


class HoldLine(View):
    """One hold, as much as is needed to choose it."""

    id: str
    ground: HoldGround
    state: HoldState
    parts: list[str]
    review_at: Instant
    ends_at: Instant
    overdue: bool = Field(description="The day of its review is over.")


class HoldFile(HoldLine):
    """One hold with everything that is on record."""

    account_id: str
    account_is_there: bool = Field(description="Whether the account was not erased meanwhile.")
    copies: int = Field(description="How many records are kept under it.")
    reason: str
    reference: str
    placed_by: str
    placed_at: Instant
    silent_until: Instant | None
    uncopied_since: Instant | None = Field(description="Since when it cannot be copied; the log says why.")
    erasure_waits: bool = Field(description="Its holder is being erased, which waits until it is copied, or is over.")
    reviewed_by: str
    review_words: str
    over_at: Instant | None
    ended_by: str = Field(description="Empty where it ended by its own end.")
    end_words: str


async def listed(call: Call[None, HoldsQuery]) -> Page[HoldLine]:
    """List holds, the first review first."""
    states = (HoldState.IN_FORCE,) if call.query.show is WhichHolds.IN_FORCE else _OVER
    found, following = await page_of(
        call.records,
        Hold,
        one_of("state", states),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="review_at",
    )
    now = call.clock.now()
    return Page[HoldLine](items=[HoldLine(**_line(each, now)) for each in found], next=following)


async def show(call: Call[None, None]) -> HoldFile:
    """Show a hold."""
    return await _file(call, await named(call, Hold, "hold_id"))


async def place(call: Call[NewHold, None]) -> HoldFile | Problem:
    """Place a hold. What it names is copied within a minute, and again before any of it is erased or swept."""
    given, now = call.body, call.clock.now()
    account = await customer(call, call.body.account_id, call.body.email)
    wrong = _wrong_days(call.portal, given.review_on, given.ends_on, now)
    if account is None:
        wrong.append(FieldFault(field="email", message="There is no such customer."))
    if given.ground is HoldGround.ORDER and not given.reference:
        wrong.append(FieldFault(field="reference", message="Which order? Write its number and who gave it."))
    if given.silent_until is not None and given.ground is not HoldGround.ORDER:
        wrong.append(FieldFault(field="silent_until", message="Only an order may forbid to tell the person."))
    if given.silent_until is not None and given.silent_until > given.ends_on:
        wrong.append(FieldFault(field="silent_until", message="Not longer than it lasts: `ends_on`."))
    if wrong or account is None:
        return faults(wrong)
    silent = given.silent_until
    hold = Hold(
        id=call.new_id("hld"),
        account_id=account.id,
        ground=given.ground,
        parts=tuple(dict.fromkeys(each.value for each in given.parts)),
        reason=given.reason,
        reference=given.reference,
        placed_by=call.account.id,
        placed_at=now,
        review_at=end_of_day(call.portal, given.review_on),
        ends_at=end_of_day(call.portal, given.ends_on),
        silent_until=None if silent is None else end_of_day(call.portal, silent),
        copy_due_at=now,
    )
    placed = await begun(call, hold)
    if placed is hold:
        log.info("hold_placed", hold_id=hold.id, kind=hold.ground)
    return await _file(call, placed)


async def review(call: Call[Review, None]) -> HoldFile | Problem:
    """Say why a hold is needed still, when to look again, and when it ends."""
    hold, given = await named(call, Hold, "hold_id"), call.body
    wrong = _wrong_days(call.portal, given.review_on, given.ends_on, call.clock.now())
    if wrong:
        return faults(wrong)
    reviewed = await _moved(
        call.records,
        hold,
        reviewed_by=call.account.id,
        review_words=given.words,
        review_at=end_of_day(call.portal, given.review_on),
        ends_at=end_of_day(call.portal, given.ends_on),
    )
    return reviewed if isinstance(reviewed, Problem) else await _file(call, reviewed)


async def end(call: Call[Ending, None]) -> HoldFile | Problem:
    """End a hold. Its copies and their key are destroyed within a minute; of an erased person that was the last."""
    hold, words = await named(call, Hold, "hold_id"), call.body.words
    ended = await end_hold(call.records, hold, words, by=call.account.id, now=call.clock.now())
    return ended if isinstance(ended, Problem) else await _file(call, ended)


async def end_hold(records: Records, hold: Hold, words: str, *, by: str, now: datetime) -> Hold | Problem:
    """Let a hold be over, for whoever ends it by a page or a command."""
    return await _moved(records, hold, state=HoldState.OVER, over_at=now, ended_by=by, end_words=words)


def end_of_day(portal: Portal, day: date) -> datetime:
    """Return when a day is over where the office is."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(portal.settings.office.time_zone))


def _wrong_days(portal: Portal, review_on: date, ends_on: date, now: datetime) -> list[FieldFault]:
    found = []
    if not now < end_of_day(portal, review_on) <= now + LONGEST_REVIEW:
        found.append(FieldFault(field="review_on", message="A day from today on and within a year."))
    if not now < end_of_day(portal, ends_on) <= now + LONGEST:
        found.append(FieldFault(field="ends_on", message="A day from today on and within ten years."))
    if review_on > ends_on:
        found.append(FieldFault(field="review_on", message="Not after it ends: `ends_on`."))
    return found


async def _moved(records: Records, hold: Hold, **changes: Any) -> Hold | Problem:
    if hold.state is not HoldState.IN_FORCE:
        return not_now("It is over.")
    same = (is_("id", hold.id), is_("state", HoldState.IN_FORCE))
    moved = await records.change_one(Hold, *same, **changes)
    if moved is None:
        return not_now("It ended at this moment: look at it again.")
    log.info("hold_moved", hold_id=hold.id, state=moved.state)
    return moved


async def _file(call: Call[Any, Any], hold: Hold) -> HoldFile:
    """Return a hold for staff to read; while its account is there, its holder can read that they did, in time."""
    account = await call.records.get(Account, hold.account_id)
    if account is not None:
        await call.records.add_all([look(call, account.id, ("holds",), Purpose.CLAIMS, silent=hold.silent_until)])
    return HoldFile(
        **_line(hold, call.clock.now()),
        account_id=hold.account_id,
        account_is_there=account is not None,
        copies=await call.records.count(HeldCopy, is_("hold_id", hold.id)),
        reason=hold.reason,
        reference=hold.reference,
        placed_by=hold.placed_by,
        placed_at=hold.placed_at,
        silent_until=hold.silent_until,
        uncopied_since=hold.uncopied_since,
        erasure_waits=hold.uncopied_since is not None and await _erasure_waits(call.records, hold.account_id),
        reviewed_by=hold.reviewed_by,
        review_words=hold.review_words,
        over_at=hold.over_at,
        ended_by=hold.ended_by,
        end_words=hold.end_words,
    )


async def _erasure_waits(records: Records, account_id: str) -> bool:
    this = (is_("open_key", account_id), is_("state", ErasureState.RUNNING), is_("problem", HOLD_UNCOPIED))
    return bool(await records.count(Erasure, *this))


def _line(hold: Hold, now: datetime) -> dict[str, Any]:
    return {
        "id": hold.id,
        "ground": hold.ground,
        "state": hold.state,
        "parts": list(hold.parts),
        "review_at": hold.review_at,
        "ends_at": hold.ends_at,
        "overdue": hold.state is HoldState.IN_FORCE and hold.review_at <= now,
    }


def _act(name: str, handler: Any, summary: str, body: type[Body]) -> AnyRoute:
    path = f"/staff/holds/{{hold_id}}/{name}"
    return privacy_route("POST", path, handler, summary, body=body, answers={200: HoldFile}, problems=(409,))


ROUTES: tuple[AnyRoute, ...] = (
    privacy_route("GET", "/staff/holds", listed, "List holds", query=HoldsQuery, answers={200: Page[HoldLine]}),
    privacy_route("POST", "/staff/holds", place, "Place a hold", body=NewHold, answers={201: HoldFile}),
    privacy_route("GET", "/staff/holds/{hold_id}", show, "Show a hold", answers={200: HoldFile}),
    _act("review", review, "Say why a hold is needed still", Review),
    _act("end", end, "End a hold", Ending),
)
