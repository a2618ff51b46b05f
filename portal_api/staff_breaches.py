"""Breaches of personal data, for the staff who look after people's rights: the register, its clocks, and both words.

No person is named here: whom a breach concerns, and telling them, is the privacy service's work.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from isocket.domain.accounts import StaffRole
from isocket.domain.breach_drafts import draft
from isocket.domain.breaches import (
    Breach,
    BreachKind,
    BreachState,
    Decision,
    NoticeWords,
    ReportWords,
    decisions,
    dues,
)
from isocket.domain.regulation import Duty, ProductEvent, Risk
from isocket.storage import breach_register as register
from isocket.storage.breach_register import NotNow, Opening
from portal_api.cursor import page_of
from portal_api.models import Body, GivenInstant, Instant, Page, PageQuery, View
from portal_api.privacy_requests import Words
from portal_api.problem import Problem, ProblemError, fault, not_found
from portal_api.routes import Access, AnyRoute, Call, Route

_PRIVACY = (StaffRole.PRIVACY,)
_Language = Literal["en", "fi", "sv", "de", "nb"]
_Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.\-*]*$")]
_EXAMPLE: JsonDict = {
    "what": "The password of our mail server was published by mistake.",
    "kinds": ["confidentiality"],
    "risk": "likely",
    "why_risk": "Addresses and texts of messages could be read.",
    "aware_at": "2026-11-22T11:00:00.000Z",
    "began_at": "2026-11-20T00:00:00.000Z",
    "scope": ["contacts.email"],
}


class BreachWish(Body):
    """A breach as it is known now. What was open is named by fields and collections of the inventory, or `*`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    what: Words
    kinds: list[Annotated[BreachKind, Field(strict=False)]] = Field(min_length=1, max_length=3)
    risk: Annotated[Risk, Field(strict=False)]
    why_risk: Words
    event: Annotated[ProductEvent, Field(strict=False)] = ProductEvent.NONE
    aware_at: Annotated[GivenInstant, Field(strict=False)]
    began_at: Annotated[GivenInstant, Field(strict=False)]
    ended_at: Annotated[GivenInstant | None, Field(strict=False)] = None
    scope: list[_Name] = Field(default=[], max_length=100)
    provider: _Name = Field(default="", description="All that this provider was handed in that time.")
    looked: _Name = Field(default="", description="All that whoever has this id (staff, a token) was shown.")
    accounts: list[_Name] = Field(default=[], max_length=1000, description="Only these, and whom they entered.")


class Wider(Body):
    """What else was open, or for which other time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": ["contacts.phone"]}]})

    scope: list[_Name] = Field(default=[], max_length=100)
    began_at: Annotated[GivenInstant | None, Field(strict=False)] = None
    ended_at: Annotated[GivenInstant | None, Field(strict=False)] = None


class Assessment(Body):
    """How it is judged now; the duties follow from that."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"risk": "high", "why": "Alarms of cabins that stand empty could be read."}]}
    )

    risk: Annotated[Risk, Field(strict=False)]
    why: Words
    event: Annotated[ProductEvent | None, Field(strict=False)] = Field(
        default=None, description="As it was, where it is not given."
    )
    fixed_at: Annotated[GivenInstant | None, Field(strict=False)] = None


class AuthorityNote(Body):
    """That an authority was told; or, without `told_at`, why it was not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"duty": "authority", "told_at": "2026-11-22T11:30:00.000Z", "reference": "2026/4711"}]
        }
    )

    duty: Annotated[Duty, Field(strict=False)]
    told_at: Annotated[GivenInstant | None, Field(strict=False)] = None
    reference: Annotated[str, StringConstraints(max_length=120)] = ""
    reason: Words = ""


class NoticeText(Body):
    """What happened, in one language."""

    happened: Words
    consequences: Words
    measures: Words
    advice: Words = ""


class ReportText(Body):
    """What was done, in one language."""

    done: Words
    advice: Words = ""


class NoticeWish(Body):
    """What everybody who is concerned is told first: in English at least, in each other language where it is there.

    The words stand at `/breaches` for anybody: name nobody in them.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "words": {
                        "en": {
                            "happened": "For two days strangers could read mails that we sent.",
                            "consequences": "Somebody may know your address and when power failed.",
                            "measures": "The password was changed an hour after we knew.",
                            "advice": "Do not answer mails that ask for your password.",
                        }
                    }
                }
            ]
        }
    )

    words: dict[_Language, NoticeText]


class ReportWish(Body):
    """What the same people are told later. It stands at `/breaches` as well."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": {"en": {"done": "Nobody can publish such a password any more."}}}]}
    )

    words: dict[_Language, ReportText]


class Closing(Body):
    """What is different now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lesson": "Passwords of servers are not in files any more."}]}
    )

    lesson: Words


class BreachLine(View):
    """One breach in the register."""

    id: str = Field(examples=["bre_mzxw6ytboi"])
    state: BreachState
    risk: Risk
    what: str
    aware_at: Instant
    concerned: int
    closed_at: Instant | None


class ClockView(View):
    """One duty, until when, and what was noted about it."""

    duty: Duty
    law: str
    to: str
    due_at: Instant | None = Field(description="Null while what it counts from has not happened.")
    overdue: bool
    told_at: Instant | None
    reference: str
    reason: str
    noted: bool
    draft: str = Field(description="What they have to read, as far as it is known: read it before it goes out.")


class BreachFile(View):
    """One breach with all that is known of it."""

    id: str
    state: BreachState
    what: str
    kinds: list[BreachKind]
    risk: Risk
    why_risk: str
    event: ProductEvent
    opened_by: str
    opened_at: Instant
    aware_at: Instant
    began_at: Instant
    ended_at: Instant | None
    fixed_at: Instant | None
    scope: list[str]
    provider: str
    looked: str
    only_named: bool
    counted_at: Instant | None = Field(description="Null while it is worked out whom it concerns.")
    concerned: int
    messages: dict[str, int] = Field(description="How many people heard each word, and how that ended.")
    clocks: list[ClockView]
    notice_at: Instant | None
    report_at: Instant | None
    closed_at: Instant | None
    lesson: str


async def show_all(call: Call[None, PageQuery]) -> Page[BreachLine]:
    """List the register of breaches (Art. 33(5)), the newest first."""
    found, following = await page_of(
        call.records,
        Breach,
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="aware_at",
        descending=True,
    )
    return Page[BreachLine](items=[_line(each) for each in found], next=following)


async def show(call: Call[None, None]) -> BreachFile:
    """Show a breach with its clocks and drafts, and how many people were told."""
    return await _file(call, await _named(call))


async def open_one(call: Call[BreachWish, None]) -> BreachFile | Problem:
    """Open a breach. Its clocks run from when we became aware, whenever it is typed in."""
    given = call.body
    opening = Opening(
        what=given.what,
        kinds=tuple(dict.fromkeys(given.kinds)),
        risk=given.risk,
        why_risk=given.why_risk,
        event=given.event,
        aware_at=given.aware_at,
        began_at=given.began_at,
        ended_at=given.ended_at,
        scope=tuple(given.scope),
        provider=given.provider,
        recipient_id=given.looked,
        accounts=tuple(given.accounts),
    )
    done = await register.open_breach(call.records, opening, by=call.account.id, now=call.clock.now())
    return await _answer(call, done)


async def widen(call: Call[Wider, None]) -> BreachFile | Problem:
    """Note that more was open; whoever it concerns besides is told as the others were."""
    given = call.body
    done = await register.widen(
        call.records,
        await _named(call),
        scope=tuple(given.scope),
        began_at=given.began_at,
        ended_at=given.ended_at,
    )
    return await _answer(call, done)


async def assess(call: Call[Assessment, None]) -> BreachFile | Problem:
    """Judge a breach anew."""
    given = call.body
    done = await register.assess(
        call.records,
        await _named(call),
        risk=given.risk,
        why=given.why,
        event=given.event,
        fixed_at=given.fixed_at,
        now=call.clock.now(),
    )
    return await _answer(call, done)


async def note_authority(call: Call[AuthorityNote, None]) -> BreachFile | Problem:
    """Note that an authority was told, or why it was not."""
    given, breach = call.body, await _named(call)
    decision = Decision(told_at=given.told_at, reference=given.reference, reason=given.reason)
    return await _answer(call, await register.decide(call.records, breach, given.duty, decision, now=call.clock.now()))


async def give_notice(call: Call[NoticeWish, None]) -> BreachFile | Problem:
    """Have everybody whom it concerns told what happened."""
    words: dict[str, NoticeWords] = {name: NoticeWords(**said.model_dump()) for name, said in call.body.words.items()}
    return await _answer(
        call, await register.give_notice(call.records, await _named(call), words, now=call.clock.now())
    )


async def give_report(call: Call[ReportWish, None]) -> BreachFile | Problem:
    """Have the same people told what was done."""
    words: dict[str, ReportWords] = {name: ReportWords(**said.model_dump()) for name, said in call.body.words.items()}
    return await _answer(
        call, await register.give_report(call.records, await _named(call), words, now=call.clock.now())
    )


async def close(call: Call[Closing, None]) -> BreachFile | Problem:
    """Close a breach, once every duty is decided and everybody has heard twice."""
    return await _answer(
        call, await register.close(call.records, await _named(call), call.body.lesson, now=call.clock.now())
    )


async def _named(call: Call[Any, Any]) -> Breach:
    found = await call.records.get(Breach, call.path["breach_id"])
    if found is None:
        raise ProblemError(not_found())
    return found


async def _answer(call: Call[Any, Any], done: Breach | NotNow) -> BreachFile | Problem:
    if isinstance(done, Breach):
        return await _file(call, done)
    return fault(done.field, done.message) if done.field else Problem(status=409, kind="not-now", detail=done.message)


def _line(breach: Breach) -> BreachLine:
    return BreachLine(
        id=breach.id,
        state=breach.state,
        risk=breach.harm,
        what=breach.what,
        aware_at=breach.aware_at,
        concerned=breach.concerned,
        closed_at=breach.closed_at,
    )


async def _file(call: Call[Any, Any], breach: Breach) -> BreachFile:
    numbers = await register.numbers(call.records, breach)
    return BreachFile(
        id=breach.id,
        state=breach.state,
        what=breach.what,
        kinds=list(breach.kinds),
        risk=breach.harm,
        why_risk=breach.why_harm,
        event=breach.event,
        opened_by=breach.opened_by,
        opened_at=breach.opened_at,
        aware_at=breach.aware_at,
        began_at=breach.began_at,
        ended_at=breach.ended_at,
        fixed_at=breach.fixed_at,
        scope=list(breach.scope),
        provider=breach.provider,
        looked=breach.recipient_id,
        only_named=bool(breach.named),
        counted_at=breach.counted_at,
        concerned=breach.concerned,
        messages=numbers,
        clocks=_clocks(call, breach, numbers),
        notice_at=breach.notice_at,
        report_at=breach.report_at,
        closed_at=breach.closed_at,
        lesson=breach.lesson,
    )


def _clocks(call: Call[Any, Any], breach: Breach, numbers: dict[str, int]) -> list[ClockView]:
    noted, controller, now = decisions(breach), call.portal.settings.controller, call.clock.now()
    found = []
    for due in dues(breach):
        decision = noted.get(due.duty)
        found.append(
            ClockView(
                duty=due.duty,
                law=due.law,
                to=due.to,
                due_at=due.due_at,
                overdue=decision is None and due.due_at is not None and now > due.due_at,
                told_at=decision.told_at if decision else None,
                reference=decision.reference if decision else "",
                reason=decision.reason if decision else "",
                noted=decision is not None,
                draft=draft(breach, due.duty, controller=controller, numbers=numbers) or "",
            )
        )
    return found


def _route(method: str, path: str, handler: Any, summary: str, **more: Any) -> AnyRoute:
    return Route(
        method=method,
        path=f"/staff/breaches{path}",
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        staff=_PRIVACY,
        **{"answers": {200: BreachFile}, **more},
    )


_ONE = "/{breach_id}"
ROUTES: tuple[AnyRoute, ...] = (
    _route("GET", "", show_all, "List breaches", query=PageQuery, answers={200: Page[BreachLine]}),
    _route("POST", "", open_one, "Open a breach", body=BreachWish, answers={201: BreachFile}, problems=(409,)),
    _route("GET", _ONE, show, "Show a breach"),
    _route("POST", f"{_ONE}/scope", widen, "Note that more was open", body=Wider, problems=(409,)),
    _route("POST", f"{_ONE}/assessment", assess, "Judge a breach anew", body=Assessment, problems=(409,)),
    _route("POST", f"{_ONE}/authority", note_authority, "Note what an authority was told", body=AuthorityNote,
           problems=(409,)),
    _route("POST", f"{_ONE}/notice", give_notice, "Tell whom a breach concerns", body=NoticeWish, problems=(409,)),
    _route("POST", f"{_ONE}/report", give_report, "Tell them what was done", body=ReportWish, problems=(409,)),
    _route("POST", f"{_ONE}/close", close, "Close a breach", body=Closing, problems=(409,)),
)  # fmt: skip
