"""Breaches of personal data, for the staff who look after people's rights: the register, its clocks, and both words.

No person is named here: whom a breach concerns, and telling them, is the privacy service's work.
"""

from typing import Any

from isocket.domain.breach_drafts import draft
from isocket.domain.breaches import Breach, Decision, NoticeWords, ReportWords, decisions, dues
from isocket.storage import breach_register as register
from isocket.storage.breach_register import NotNow, Opening
from isocket.storage.port import AlreadyThereError
from portal_api.cursor import page_of
from portal_api.models import Body, Page, PageQuery
from portal_api.problem import Problem, fault, not_now
from portal_api.routes import AnyRoute, Call
from portal_api.staff_breach_models import (
    Assessment,
    AuthorityNote,
    BreachFile,
    BreachLine,
    BreachWish,
    ClockView,
    Closing,
    NoticeWish,
    ReportWish,
    Wider,
)
from portal_api.staff_routes import first_of, named, privacy_route


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
    return await _file(call, await named(call, Breach, "breach_id"))


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
    by, now, breach_id = call.account.id, call.clock.now(), call.new_id("bre")
    try:
        done = await register.open_breach(call.records, opening, by=by, now=now, breach_id=breach_id)
    except AlreadyThereError:  # the form was sent a second time
        done = await first_of(call, Breach, breach_id)
    return await _answer(call, done)


async def widen(call: Call[Wider, None]) -> BreachFile | Problem:
    """Note that more was open; whoever it concerns besides is told as the others were."""
    given = call.body
    done = await register.widen(
        call.records,
        await named(call, Breach, "breach_id"),
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
        await named(call, Breach, "breach_id"),
        risk=given.risk,
        why=given.why,
        event=given.event,
        fixed_at=given.fixed_at,
        now=call.clock.now(),
    )
    return await _answer(call, done)


async def note_authority(call: Call[AuthorityNote, None]) -> BreachFile | Problem:
    """Note that an authority was told, or why it was not."""
    given, breach = call.body, await named(call, Breach, "breach_id")
    decision = Decision(told_at=given.told_at, reference=given.reference, reason=given.reason)
    return await _answer(call, await register.decide(call.records, breach, given.duty, decision, now=call.clock.now()))


async def give_notice(call: Call[NoticeWish, None]) -> BreachFile | Problem:
    """Have everybody whom it concerns told what happened."""
    words: dict[str, NoticeWords] = {name: NoticeWords(**said.model_dump()) for name, said in call.body.words.items()}
    return await _answer(
        call,
        await register.give_notice(call.records, await named(call, Breach, "breach_id"), words, now=call.clock.now()),
    )


async def give_report(call: Call[ReportWish, None]) -> BreachFile | Problem:
    """Have the same people told what was done."""
    words: dict[str, ReportWords] = {name: ReportWords(**said.model_dump()) for name, said in call.body.words.items()}
    return await _answer(
        call,
        await register.give_report(call.records, await named(call, Breach, "breach_id"), words, now=call.clock.now()),
    )


async def close(call: Call[Closing, None]) -> BreachFile | Problem:
    """Close a breach, once every duty is decided and everybody has heard twice."""
    return await _answer(
        call,
        await register.close(
            call.records, await named(call, Breach, "breach_id"), call.body.lesson, now=call.clock.now()
        ),
    )


async def _answer(call: Call[Any, Any], done: Breach | NotNow) -> BreachFile | Problem:
    if isinstance(done, Breach):
        return await _file(call, done)
    return fault(done.field, done.message) if done.field else not_now(done.message)


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


def _act(name: str, handler: Any, summary: str, body: type[Body]) -> AnyRoute:
    return privacy_route(
        "POST", f"{_ONE}/{name}", handler, summary, body=body, answers={200: BreachFile}, problems=(409,)
    )


_ALL = "/staff/breaches"
_ONE = f"{_ALL}/{{breach_id}}"
ROUTES: tuple[AnyRoute, ...] = (
    privacy_route("GET", _ALL, show_all, "List breaches", query=PageQuery, answers={200: Page[BreachLine]}),
    privacy_route("POST", _ALL, open_one, "Open a breach", body=BreachWish, answers={201: BreachFile}, problems=(409,)),
    privacy_route("GET", _ONE, show, "Show a breach", answers={200: BreachFile}),
    _act("scope", widen, "Note that more was open", Wider),
    _act("assessment", assess, "Judge a breach anew", Assessment),
    _act("authority", note_authority, "Note what an authority was told", AuthorityNote),
    _act("notice", give_notice, "Tell whom a breach concerns", NoticeWish),
    _act("report", give_report, "Tell them what was done", ReportWish),
    _act("close", close, "Close a breach", Closing),
)
