"""The register of breaches: opening one, widening it, what is decided about it, and closing it.

Each act returns the breach as it is then, or says in words why it cannot be. Whom a breach concerns is worked out, and
whoever that is told, by the privacy service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.breach_scope import unknown_in
from isocket.domain.breaches import (
    EVERYTHING,
    REGISTER_YEARS,
    Affected,
    Breach,
    BreachKind,
    BreachState,
    Decision,
    DeliveryProof,
    NoticeWords,
    ReportWords,
    dues,
    undecided,
    with_decision,
    without_refusals,
    written,
)
from isocket.domain.deliveries import Attempt
from isocket.domain.disclosures import Disclosure
from isocket.domain.letters import LANGUAGES
from isocket.domain.periods import years_later
from isocket.domain.regulation import Duty, ProductEvent, Risk
from isocket.kit.clock import to_text
from isocket.kit.ids import new_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, change_every, is_

log = get_logger(__name__)

LEAST_WORDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """Why something cannot be done: the field that is wrong, empty where it is the state of things."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of a breach when it is opened. With `accounts` it concerns these and whom they entered, only."""

    what: str
    kinds: tuple[BreachKind, ...]
    risk: Risk
    why_risk: str
    aware_at: datetime
    began_at: datetime
    ended_at: datetime | None = None
    event: ProductEvent = ProductEvent.NONE
    scope: tuple[str, ...] = ()
    provider: str = ""
    recipient_id: str = ""
    accounts: tuple[str, ...] = ()


async def open_breach(
    records: Records, given: Opening, *, by: str, now: datetime, breach_id: str = ""
) -> Breach | NotNow:
    """Store a breach; its clocks run from when we became aware, whenever it is typed in.

    Whoever may ask twice gives `breach_id`, by which the second finds it already there.
    """
    fault = _fault_of(given, now) or await _unknown(records, given)
    if fault is not None:
        return fault
    breach = Breach(
        id=breach_id or new_id("bre"),
        what=given.what,
        kinds=given.kinds,
        harm=given.risk,
        why_harm=given.why_risk,
        event=given.event,
        opened_by=by,
        opened_at=now,
        aware_at=given.aware_at,
        began_at=given.began_at,
        ended_at=given.ended_at,
        scope=given.scope,
        provider=given.provider,
        recipient_id=given.recipient_id,
        named=tuple(dict.fromkeys(given.accounts)),
    )
    await records.add(breach)
    log.warning("breach_opened", breach_id=breach.id)
    return breach


async def widen(
    records: Records,
    breach: Breach,
    *,
    scope: tuple[str, ...] = (),
    began_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> Breach | NotNow:
    """Note that more was open, or for another time; whom it concerns is worked out anew, and nobody is left out."""
    if breach.state is BreachState.CLOSED:
        return _closed()
    began, ended = began_at or breach.began_at, ended_at or breach.ended_at
    wrong = _wrong_times(breach.aware_at, began, ended) or _wrong_scope(scope)
    if wrong is not None:
        return wrong
    changes: dict[str, Any] = {"began_at": began, "ended_at": ended, "counted_at": None}
    return await _changed(records, breach, scope=tuple(dict.fromkeys([*breach.scope, *scope])), **changes)


async def assess(
    records: Records,
    breach: Breach,
    *,
    risk: Risk,
    why: str,
    event: ProductEvent | None = None,
    fixed_at: datetime | None = None,
    now: datetime,
) -> Breach | NotNow:
    """Judge anew what a breach may do to people, and what it is as an event; what was said before stays.

    That an authority was not told holds for the judgement of then only: its clock runs again. Without `event` it stays
    the event that it was.
    """
    event = breach.event if event is None else event
    if breach.state is BreachState.CLOSED:
        return _closed()
    if len(why.strip()) < LEAST_WORDS:
        return NotNow(field="why", message="Say why you judge so: the register shows it to the authority.")
    if fixed_at is not None and fixed_at > now:
        return NotNow(field="fixed_at", message="It is in time to come. Say when the correction was there.")
    said = f"{breach.why_harm}\n{to_text(now)}, {risk.value}: {why}"
    changes: dict[str, Any] = {"harm": risk, "event": event, "fixed_at": fixed_at or breach.fixed_at}
    if (risk, event) != (breach.harm, breach.event):
        duties, dropped = without_refusals(breach)
        changes["duties"] = duties
        said += "".join(f"\nUntil then {duty.value} was not told: {each.reason}" for duty, each in dropped.items())
    return await _changed(records, breach, why_harm=said, **changes)


async def decide(records: Records, breach: Breach, duty: Duty, decision: Decision, *, now: datetime) -> Breach | NotNow:
    """Note that an authority was told, or why it was not."""
    if breach.state is BreachState.CLOSED:
        return _closed()
    due = next((each for each in dues(breach) if each.duty is duty), None)
    told, has_reason = decision.told_at, len(decision.reason.strip()) >= LEAST_WORDS
    if told is not None and not breach.aware_at <= told <= now:
        return NotNow(field="told_at", message="It was told after we knew of it, and not in time to come.")
    if told is None and due is None:
        return NotNow(field="duty", message="As it is judged, this breach has no such duty.")
    if told is None and not has_reason:
        return NotNow(field="reason", message="Say why it is not told: the register shows it to the authority.")
    if told is not None and due is not None and due.due_at is not None and told > due.due_at and not has_reason:
        return NotNow(field="reason", message="It is late: say why, for the authority is told that as well.")
    return await _changed(records, breach, duties=with_decision(breach, duty, decision))


async def give_notice(
    records: Records, breach: Breach, words: Mapping[str, NoticeWords], *, now: datetime
) -> Breach | NotNow:
    """Have everybody who is concerned told what happened; whoever is found to be so later is told then.

    Given once: the register documents what people were told (Art. 33(5)), and mail cannot be taken back.
    """
    if breach.state is BreachState.CLOSED:
        return _closed()
    if breach.notice_at is not None:
        return NotNow(
            field="",
            message="They were told already, and that stays as it was told. What was wrong in it, and what is known "
            "since, belongs into the later report, which may go out now.",
        )
    wrong = _wrong_words(words)
    return wrong or await _changed(records, breach, notice=written(words), notice_at=now)


async def give_report(
    records: Records, breach: Breach, words: Mapping[str, ReportWords], *, now: datetime
) -> Breach | NotNow:
    """Have the same people told what was done."""
    if breach.state is BreachState.CLOSED:
        return _closed()
    if breach.notice_at is None:
        return NotNow(field="", message="First tell them what happened, see `notice`.")
    if breach.report_at is not None:
        return NotNow(
            field="",
            message="They were told already what was done, and that stays as it was told. What was wrong in it is told "
            "by the notice of another breach, opened for the same scope.",
        )
    wrong = _wrong_words(words)
    return wrong or await _changed(records, breach, report=written(words), report_at=now)


async def close(records: Records, breach: Breach, lesson: str, *, now: datetime) -> Breach | NotNow:
    """Close a breach: not before every duty is decided, and everybody has had both words as far as can be."""
    if breach.state is BreachState.CLOSED:
        return _closed()
    left = undecided(breach)
    if left:
        return NotNow(field="", message=f"Nothing is noted about {left[0].duty.value} ({left[0].law}).")
    if breach.counted_at is None:
        return NotNow(field="", message="Whom it concerns is being worked out: try again in a minute.")
    open_ends = await _open_ends(records, breach)
    if open_ends:
        return NotNow(field="", message=open_ends)
    if len(lesson.strip()) < LEAST_WORDS:
        return NotNow(field="lesson", message="Say what was done, and what is different now.")
    expires_at = years_later(now, REGISTER_YEARS)
    await change_every(records, Affected, is_("breach_id", breach.id), expires_at=expires_at)
    return await _changed(
        records, breach, state=BreachState.CLOSED, closed_at=now, lesson=lesson, expires_at=expires_at
    )


async def numbers(records: Records, breach: Breach) -> dict[str, int]:
    """Return how many people were told, by which word and how it ended."""
    found: dict[str, int] = {}
    for word, field in (("notice", "notice_proof"), ("report", "report_proof")):
        for proof in DeliveryProof:
            found[f"{word}_{proof.value or 'not_yet'}"] = await records.count(
                Affected, is_("breach_id", breach.id), is_(field, proof)
            )
    return found


async def _open_ends(records: Records, breach: Breach) -> str:
    """Return what whoever is concerned has still to hear, empty for nothing."""
    of_it = is_("breach_id", breach.id)
    if not await records.count(Affected, of_it):
        return ""  # it concerns nobody, or nobody who is still here
    if breach.notice_at is None:
        return "It concerns people: tell them what happened."
    if breach.report_at is None:
        return "It concerns people: tell them what was done."
    waiting = await records.count(Affected, of_it, is_("notice_proof", DeliveryProof.NOT_YET))
    waiting += await records.count(Affected, of_it, is_("report_proof", DeliveryProof.NOT_YET))
    return f"{waiting} messages are still on their way." if waiting else ""


async def _changed(records: Records, breach: Breach, **changes: Any) -> Breach | NotNow:
    changed = await records.change_one(Breach, is_("id", breach.id), is_("version", breach.version), **changes)
    if changed is None:
        return NotNow(field="", message="Somebody else was a moment quicker: look at it again.")
    log.info("breach_changed", breach_id=breach.id, fields=len(changes))
    return changed


async def _unknown(records: Records, given: Opening) -> NotNow | None:
    """Return who is named and not known to us: a slip of the pen must not concern nobody."""
    for each in given.accounts:
        if await records.get(Account, each) is None:
            return NotNow(field="accounts", message=f"There is no account {each[:64]}.")
    if given.provider and not await records.find(Attempt, is_("provider", given.provider), limit=1):
        return NotNow(field="provider", message=f"No message was ever handed to {given.provider[:64]}.")
    if given.recipient_id and not await records.find(Disclosure, is_("recipient_id", given.recipient_id), limit=1):
        return NotNow(field="looked", message=f"The ledger knows of no look by {given.recipient_id[:64]}.")
    return None


def _fault_of(given: Opening, now: datetime) -> NotNow | None:
    if len(given.what.strip()) < LEAST_WORDS:
        return NotNow(field="what", message="Say what happened, as far as it is known.")
    if len(given.why_risk.strip()) < LEAST_WORDS:
        return NotNow(field="why_risk", message="Say why you judge the risk so.")
    if not given.kinds:
        return NotNow(field="kinds", message="Name at least one: confidentiality, integrity or availability.")
    if given.aware_at > now:
        return NotNow(field="aware_at", message="It is in time to come. The clocks run from when we knew.")
    named = given.scope or given.provider or given.recipient_id
    if not named and given.event is ProductEvent.NONE:
        return NotNow(
            field="scope",
            message="Name what was open: fields or collections of the inventory, a provider, or who looked.",
        )
    return _wrong_times(given.aware_at, given.began_at, given.ended_at) or _wrong_scope(given.scope)


def _wrong_times(aware_at: datetime, began_at: datetime, ended_at: datetime | None) -> NotNow | None:
    if began_at > aware_at:
        return NotNow(field="began_at", message="It began before we knew of it.")
    if ended_at is not None and ended_at < began_at:
        return NotNow(field="ended_at", message="It ended after it began.")
    return None


def _wrong_scope(scope: tuple[str, ...]) -> NotNow | None:
    unknown = unknown_in(scope)
    if unknown is None:
        return None
    return NotNow(
        field="scope",
        message=f"{unknown[:80]} is no field or collection about people: see `isocket privacy inventory`, or write "
        f"{EVERYTHING} for everything.",
    )


def _wrong_words(words: Mapping[str, NoticeWords] | Mapping[str, ReportWords]) -> NotNow | None:
    if "en" not in words:
        return NotNow(field="words", message="Write it in English (`en`) at least; other languages are welcome.")
    for language, said in words.items():
        if language not in LANGUAGES:
            return NotNow(field="words", message=f"{language[:20]} is none of {', '.join(LANGUAGES)}.")
        for name in needed(said):
            if len(getattr(said, name).strip()) < LEAST_WORDS:
                return NotNow(field=f"words.{language}.{name}", message="Say it in a sentence or more.")
    return None


def needed(said: NoticeWords | ReportWords) -> tuple[str, ...]:
    """Return the names of the words that cannot be left out."""
    return ("happened", "consequences", "measures") if isinstance(said, NoticeWords) else ("done",)


def _closed() -> NotNow:
    return NotNow(field="", message="It is closed. Open another one for what is new.")
