"""The pages of staff about breaches: the register, opening one, and one of them with its clocks and both words.

Both words are written in English here; other languages go by the API or the command line.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from isocket.domain.breaches import BreachKind
from isocket.domain.regulation import Duty, ProductEvent, Risk
from isocket.kit.zones import zone_named
from portal_api import staff_breaches
from portal_api.models import PageQuery
from portal_api.pages_forms import TYPED, WRITTEN, Form
from portal_api.routes import AnyRoute, Call
from portal_api.staff_breach_models import (
    Assessment,
    AuthorityNote,
    BreachWish,
    Closing,
    NoticeWish,
    ReportWish,
    Wider,
)
from portal_api.staff_files import MOST_LINES, Act, ActForm, LookForm, RegisterPages, ShowForm, page_route, with_commas
from portal_api.staff_words import MESSAGES, in_words

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


class BreachForm(Form):
    """A new breach. Times are local; `scope` and `accounts` are lists with commas."""

    what: str = WRITTEN
    kind: str = TYPED
    risk: str = TYPED
    words: str = WRITTEN
    event: str = TYPED
    aware_at: str = TYPED
    began_at: str = TYPED
    ended_at: str = TYPED
    scope: str = TYPED
    provider: str = TYPED
    looked: str = TYPED
    accounts: str = TYPED


class BreachActForm(ActForm):
    """What is done about a breach."""

    words: str = WRITTEN
    risk: str = TYPED
    event: str = TYPED
    duty: str = TYPED
    at: str = TYPED
    reference: str = TYPED
    scope: str = TYPED
    happened: str = WRITTEN
    consequences: str = WRITTEN
    measures: str = WRITTEN
    done: str = WRITTEN
    advice: str = WRITTEN


def _wish(call: Call[BreachForm, None]) -> dict[str, object]:
    typed = call.body
    return {
        "what": typed.what,
        "kinds": [typed.kind],
        "risk": typed.risk,
        "why_risk": typed.words,
        "event": typed.event or ProductEvent.NONE,
        "aware_at": _moment(call, typed.aware_at),
        "began_at": _moment(call, typed.began_at),
        "ended_at": _moment(call, typed.ended_at) or None,
        "scope": with_commas(typed.scope),
        "provider": typed.provider.strip(),
        "looked": typed.looked.strip(),
        "accounts": with_commas(typed.accounts),
    }


def _authority(call: Call[BreachActForm, None]) -> dict[str, object]:
    typed = call.body
    told_at = _moment(call, typed.at) or None
    return {"duty": typed.duty, "told_at": told_at, "reference": typed.reference, "reason": typed.words}


def _assessment(call: Call[BreachActForm, None]) -> dict[str, object]:
    typed = call.body
    fixed_at = _moment(call, typed.at) or None
    return {"risk": typed.risk, "event": typed.event or None, "why": typed.words, "fixed_at": fixed_at}


def _english(*names: str) -> Callable[[Call[BreachActForm, None]], dict[str, object]]:
    return lambda call: {"words": {"en": {name: getattr(call.body, name) for name in names}}}


def _moment(call: Call[Any, Any], typed: str) -> str:
    """Return a time as typed, in the zone of whoever typed it."""
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return (local if local.tzinfo else local.replace(tzinfo=zone_named(call.account.time_zone))).isoformat()


PAGES = RegisterPages(
    template="staff_breaches.html",
    words=lambda _: {
        "kinds": KINDS,
        "risks": RISKS,
        "events": EVENTS,
        "duties": {each.value: in_words(each) for each in Duty},
        "messages": MESSAGES,
    },
    every=staff_breaches.show_all,
    query=lambda form: PageQuery(limit=MOST_LINES, cursor=form.cursor),
    begin_with=Act(staff_breaches.open_one, BreachWish, _wish),
    begin_form=BreachForm,
    show=staff_breaches.show,
    acts={
        "notice": Act(
            staff_breaches.give_notice, NoticeWish, _english("happened", "consequences", "measures", "advice")
        ),
        "report": Act(staff_breaches.give_report, ReportWish, _english("done", "advice")),
        "authority": Act(staff_breaches.note_authority, AuthorityNote, _authority),
        "assess": Act(staff_breaches.assess, Assessment, _assessment),
        "widen": Act(staff_breaches.widen, Wider, lambda call: {"scope": with_commas(call.body.scope)}),
        "close": Act(staff_breaches.close, Closing, lambda call: {"lesson": call.body.words}),
    },
    act_form=BreachActForm,
    names={
        "kinds": "kind",
        **dict.fromkeys(("why", "why_risk", "reason", "lesson"), "words"),
        **dict.fromkeys(("told_at", "fixed_at"), "at"),
    },
    passing=frozenset({"messages", "concerned", "counted_at", "overdue", "draft", "due_at"}),
)
ROUTES: tuple[AnyRoute, ...] = (
    page_route("/staff/breaches", PAGES.listed, "Show the register of breaches", ShowForm),
    page_route("/staff/breaches/new", PAGES.begin, "Open a breach", BreachForm),
    page_route("/staff/breaches/{breach_id}", PAGES.look, "Show a breach", LookForm),
    page_route("/staff/breaches/{breach_id}/act", PAGES.act, "Do something about a breach", BreachActForm),
)
