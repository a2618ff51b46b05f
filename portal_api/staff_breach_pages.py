"""The pages of staff about breaches: the register, opening one, and one of them with its clocks and both words.

Both words are written in English here; other languages go by the API or the command line.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import StaffRole
from isocket.domain.breaches import BreachKind
from isocket.domain.regulation import Duty, ProductEvent, Risk
from portal_api import staff_breaches
from portal_api.models import PageQuery
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.problem import FieldFault, Problem, faults
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from portal_api.staff_breaches import (
    Assessment,
    AuthorityNote,
    BreachFile,
    BreachWish,
    Closing,
    NoticeWish,
    ReportWish,
    Wider,
)
from portal_api.staff_pages import LookForm, with_query

_PAGE = "staff_breaches.html"
KINDS = {
    BreachKind.CONFIDENTIALITY.value: "Somebody could read what they should not",
    BreachKind.INTEGRITY.value: "Something was changed",
    BreachKind.AVAILABILITY.value: "Something is lost or out of reach",
}
RISKS = {
    Risk.LIKELY.value: "It may harm people",
    Risk.HIGH.value: "It may harm people badly",
    Risk.UNLIKELY.value: "It is unlikely to harm anybody",
}
EVENTS = {
    ProductEvent.NONE.value: "Not an event of the product",
    ProductEvent.VULNERABILITY.value: "A hole in the product that is used by strangers",
    ProductEvent.INCIDENT.value: "A severe incident of the product's security",
}
_FROM_THE_API = {"why": "words", "why_risk": "words", "reason": "words", "lesson": "words"}


class BreachForm(Form):
    """A new breach. Times are local; `scope` and `accounts` are lists with commas."""

    what: str = TYPED
    kind: str = TYPED
    risk: str = TYPED
    words: str = TYPED
    event: str = TYPED
    aware_at: str = TYPED
    began_at: str = TYPED
    ended_at: str = TYPED
    scope: str = TYPED
    provider: str = TYPED
    looked: str = TYPED
    accounts: str = TYPED


class BreachActForm(Form):
    """What is done about a breach."""

    act: str = TYPED
    words: str = TYPED
    risk: str = TYPED
    event: str = TYPED
    duty: str = TYPED
    at: str = TYPED
    reference: str = TYPED
    scope: str = TYPED
    happened: str = TYPED
    consequences: str = TYPED
    measures: str = TYPED
    done: str = TYPED
    advice: str = TYPED


async def register(call: Call[LookForm, None]) -> web.Response:
    """Show the register, and the form to open a breach."""
    told = await staff_breaches.show_all(with_query(call, PageQuery(limit=200)))
    return shown(call, _PAGE, {**_words(call), "what": "list", "lines": told.items}, here="staff")


async def open_one(call: Call[BreachForm, None]) -> web.Response:
    """Open a breach, and show it."""
    typed = call.body
    wish = checked(
        BreachWish,
        what=typed.what,
        kinds=[typed.kind],
        risk=typed.risk,
        why_risk=typed.words,
        event=typed.event or ProductEvent.NONE,
        aware_at=_moment(call, typed.aware_at),
        began_at=_moment(call, typed.began_at),
        ended_at=_moment(call, typed.ended_at) or None,
        scope=_list(typed.scope),
        provider=typed.provider.strip(),
        looked=typed.looked.strip(),
        accounts=_list(typed.accounts),
    )
    answer = wish if isinstance(wish, Problem) else await staff_breaches.open_one(with_body(call, wish))
    if isinstance(answer, Problem):
        words = {**_words(call), "what": "list", "lines": [], "typed": typed}
        return refused(call, _PAGE, _as_typed(answer), words, here="staff")
    return _file(call, answer)


async def look(call: Call[LookForm, None]) -> web.Response:
    """Show one breach."""
    return _file(call, await staff_breaches.show(with_body(call, None)))


async def act(call: Call[BreachActForm, None]) -> web.Response:
    """Do something about a breach, and show it as it is then."""
    answer = await _done(call)
    if isinstance(answer, Problem):
        file = await staff_breaches.show(with_body(call, None))
        words = {**_words(call), "what": "file", "file": file, "typed": call.body}
        return refused(call, _PAGE, _as_typed(answer), words, here="staff")
    return _file(call, answer)


async def _done(call: Call[BreachActForm, None]) -> BreachFile | Problem:
    typed = call.body
    if typed.act not in _ACTS:
        return await staff_breaches.show(with_body(call, None))
    model, handler = _ACTS[typed.act]
    wish = checked(model, **_values(call))
    answer: BreachFile | Problem = wish if isinstance(wish, Problem) else await handler(with_body(call, wish))
    return answer


def _values(call: Call[BreachActForm, None]) -> dict[str, Any]:
    """Return what the API is asked for by this act."""
    typed = call.body
    at = _moment(call, typed.at) or None
    by_act: dict[str, dict[str, Any]] = {
        "notice": {"words": {"en": _text(typed, "happened", "consequences", "measures")}},
        "report": {"words": {"en": _text(typed, "done")}},
        "authority": {"duty": typed.duty, "told_at": at, "reference": typed.reference, "reason": typed.words},
        "assess": {"risk": typed.risk, "event": typed.event or None, "why": typed.words, "fixed_at": at},
        "widen": {"scope": _list(typed.scope)},
        "close": {"lesson": typed.words},
    }
    return by_act[typed.act]


def _text(typed: BreachActForm, *names: str) -> dict[str, str]:
    return {**{name: getattr(typed, name) for name in names}, "advice": typed.advice}


def _list(typed: str) -> list[str]:
    return [each.strip() for each in typed.split(",") if each.strip()]


def _moment(call: Call[Any, Any], typed: str) -> str:
    """Return a time as typed, in the zone of whoever typed it."""
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(call.account.time_zone))).isoformat()


def _as_typed(problem: Problem) -> Problem:
    """Return a problem that names the fields of the form: what the API nests has a name of its own there."""
    if not problem.errors:
        return problem
    named = []
    for each in problem.errors:
        parts = each.field.split(".")
        name = parts[-1] if parts[0] == "words" and len(parts) > 1 else parts[0]
        name = "kind" if name == "kinds" else _FROM_THE_API.get(name, name)
        named.append(FieldFault(field="at" if name in {"told_at", "fixed_at"} else name, message=each.message))
    return faults(named)


def _file(call: Call[Any, None], file: BreachFile) -> web.Response:
    return shown(call, _PAGE, {**_words(call), "what": "file", "file": file, "typed": BreachActForm()}, here="staff")


def _words(call: Call[Any, None]) -> dict[str, object]:
    return {
        "reason": call.reason,
        "typed": BreachForm(),
        "kinds": KINDS,
        "risks": RISKS,
        "events": EVENTS,
        "duties": {each.value: each.value for each in Duty},
    }


_ACTS: dict[str, tuple[type[BaseModel], Any]] = {
    "notice": (NoticeWish, staff_breaches.give_notice),
    "report": (ReportWish, staff_breaches.give_report),
    "authority": (AuthorityNote, staff_breaches.note_authority),
    "assess": (Assessment, staff_breaches.assess),
    "widen": (Wider, staff_breaches.widen),
    "close": (Closing, staff_breaches.close),
}


def _route(path: str, handler: Any, summary: str, body: type[Form]) -> AnyRoute:
    return Route(
        method="POST",
        path=f"/staff/breaches{path}",
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        surface=Surface.PAGE,
        body=body,
        staff=(StaffRole.PRIVACY,),
    )


ROUTES: tuple[AnyRoute, ...] = (
    _route("", register, "Show the register of breaches", LookForm),
    _route("/new", open_one, "Open a breach", BreachForm),
    _route("/{breach_id}", look, "Show a breach", LookForm),
    _route("/{breach_id}/act", act, "Do something about a breach", BreachActForm),
)
