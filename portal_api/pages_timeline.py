"""An incident's timeline in sentences: what happened, to whom, and why where something was not sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from isocket.domain.incidents import Happening
from isocket.kit.clock import from_text
from portal_api.pages_words import CHANNELS, ICONS, RECEIPTS, reason_in_words, word_for
from portal_api.rendering import LocalTime, lasting
from portal_api.timelines import Line

_ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "clear": "that it is over",
        "taken": "that somebody else has taken it",
        "reminder": "to ask: still on it?",
    }
)
_WORTH_SAYING_S = 2  # an alarm whose beginning and detection lie nearer together began when we heard of it


_RECEIPT_TONES: Mapping[str, str] = MappingProxyType(
    {"delivered": "ok", "read": "ok", "key_pressed": "ok"}
    | dict.fromkeys(("failed", "undelivered", "busy", "no-answer"), "bad")
)


_WHOLE = slice(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One line of a timeline in words. `tone` is empty, `ok`, `warn` or `bad`."""

    line: Line
    icon: str
    text: str
    tone: str = ""
    day: str = ""  # set where another day begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the sentences need to know beside the line: whose page it is, and the local time."""

    account_id: str
    time: LocalTime


def told(lines: Sequence[Line], telling: Telling, part: slice = _WHOLE) -> list[Sentence]:
    """Return a timeline, or a part of it, in words, in its order.

    A kind of line newer than this module is shown by its name.
    """
    sentences, day = [], ""
    at_once = _tried_at_once(lines)
    for each in lines[part]:
        if each.what is Happening.DELIVERY_DUE and each.detail.get("delivery_id") in at_once:
            continue
        sentence, its_day = _sentence(each, telling), telling.time.day(each.at)
        sentences.append(sentence if its_day == day else replace(sentence, day=its_day))
        day = its_day
    return sentences


def _tried_at_once(lines: Sequence[Line]) -> set[object]:
    """Return the deliveries whose first try came with their line: one sentence is enough for both."""
    due = {each.detail.get("delivery_id"): each.at for each in lines if each.what is Happening.DELIVERY_DUE}
    return {
        delivery_id
        for each in lines
        if each.what is Happening.ATTEMPT
        and (delivery_id := each.detail.get("delivery_id")) in due
        and (each.at - due[delivery_id]).total_seconds() < _WORTH_SAYING_S
    }


Told = tuple[str, str, str]  # icon, text, tone


def _sentence(line: Line, telling: Telling) -> Sentence:
    teller = _TELLERS.get(line.what)
    icon, text, tone = teller(telling, line) if teller else ("clock", f"{word_for({}, line.what.value)}.", "")
    return Sentence(line=line, icon=icon, text=text, tone=tone)


def _opened(telling: Telling, line: Line) -> Told:
    text, began = "The alarm was raised.", line.detail.get("began")
    if isinstance(began, str):
        since = from_text(began)
        late_s = (line.at - since).total_seconds()
        if late_s >= _WORTH_SAYING_S:
            text = f"The alarm was raised. It began at {telling.time.seconds(since)}, {lasting(late_s)} before."
    return "alert", text, "bad"


def _step(_: Telling, line: Line) -> Told:
    number = line.detail.get("step")
    at = f"Step {number + 1}" if isinstance(number, int) else "The next step"
    again = ", once more" if line.detail.get("climb") else ""
    return "bell", f"{at}{again}: people are told.", ""


def _due(_: Telling, line: Line) -> Told:
    about = _ABOUT.get(str(line.detail.get("kind")), "with the alarm")
    return _icon(line), f"{_by(line).capitalize()} to {_whom(line)} {about}.", ""


def _held(telling: Telling, line: Line) -> Told:
    until = line.detail.get("until")
    at = f" until {telling.time.seconds(from_text(until))}" if isinstance(until, str) else ""
    return _icon(line), f"{_by(line).capitalize()} to {_whom(line)} waits{at}: {_why(line)}.", ""


def _not_sent(_: Telling, line: Line) -> Told:
    reason = _why(line)
    if line.contact_id is None:
        return "bell", f"Nobody is told: {reason}.", ""
    by = f" by {_by(line)}" if line.channel else ""
    return _icon(line), f"Not sent to {_whom(line)}{by}: {reason}.", "warn"


def _attempt(_: Telling, line: Line) -> Told:
    about = _ABOUT.get(str(line.detail.get("kind")), "with the alarm")
    what = f"{_by(line).capitalize()} to {_whom(line)} {about}"
    match line.detail.get("outcome"):
        case "sent":
            return _icon(line), f"{what}: handed over.", "ok"
        case "refused":
            return _icon(line), f"{what}: refused, {_why(line)}.", "bad"
        case "later":
            return _icon(line), f"{what}: did not go out yet, {_why(line)}. We try again.", "warn"
        case "started":
            return _icon(line), f"{what}: being handed over.", ""
        case _:
            return _icon(line), f"{what}: it is not clear whether it went out. We find out before we repeat it.", "warn"


def _receipt(_: Telling, line: Line) -> Told:
    status = str(line.detail.get("status") or "")
    tone = _RECEIPT_TONES.get(status, "")
    return _icon(line), f"{_by(line).capitalize()} to {_whom(line)}: {word_for(RECEIPTS, status)}.", tone


def _acknowledged(telling: Telling, line: Line) -> Told:
    who, _, way = str(line.detail.get("by") or "").partition(" ")
    name = "you" if who == telling.account_id else (line.contact or "somebody")
    by = {"sms": ", by a reply", "voice": ", by a key"}.get(way, "")
    return "check", f"Acknowledged by {name}{by}. Nobody else is alarmed.", "ok"


def _asked(telling: Telling, line: Line) -> Told:
    who, _, _ = str(line.detail.get("by") or telling.account_id).partition(" ")  # older lines do not say it
    if line.contact_id is None and who == telling.account_id:
        return "clock", "You are asked whether you are still on it.", ""
    return "clock", f"{line.contact or 'Whoever took it'} is asked whether they are still on it.", ""


def _confirmed(telling: Telling, line: Line) -> Told:
    who, _, _ = str(line.detail.get("by") or "").partition(" ")
    name = "You are" if who == telling.account_id else f"{line.contact or 'Somebody'} is"
    return "check", f"{name} still on it.", "ok"


def _let_go(_: Telling, line: Line) -> Told:
    return "alert", f"Open again, and people are told from the first step on: {_why(line)}.", "warn"


def _closed(_: Telling, line: Line) -> Told:
    lasted_s = line.detail.get("lasted_s")
    after = f", after {lasting(lasted_s)}" if isinstance(lasted_s, int | float) else ""
    return "check", f"Closed{after}: {_why(line)}.", "ok"


def _exhausted(_: Telling, line: Line) -> Told:
    return "alert", f"Nobody could be told: {_why(line)}. We wrote to your own address.", "bad"


def _note(_: Telling, line: Line) -> Told:
    value = line.detail.get("value")
    more = f" ({value:g} %)" if line.reason == "deeper" and isinstance(value, int | float) else ""
    text = _why(line)
    return "clock", f"{text[:1].upper()}{text[1:]}{more}.", "warn" if line.reason == "unclear" else ""


_TELLERS: Mapping[Happening, Callable[[Telling, Line], Told]] = MappingProxyType(
    {
        Happening.OPENED: _opened,
        Happening.STEP: _step,
        Happening.DELIVERY_DUE: _due,
        Happening.HELD: _held,
        Happening.NOT_SENT: _not_sent,
        Happening.ATTEMPT: _attempt,
        Happening.RECEIPT: _receipt,
        Happening.ACKNOWLEDGED: _acknowledged,
        Happening.ASKED: _asked,
        Happening.CONFIRMED: _confirmed,
        Happening.LET_GO: _let_go,
        Happening.CLOSED: _closed,
        Happening.EXHAUSTED: _exhausted,
        Happening.NOTE: _note,
    }
)


def _whom(line: Line) -> str:
    if line.contact_id is None:
        return "your own address"
    return line.contact or "a contact who was removed"


def _by(line: Line) -> str:
    return word_for(CHANNELS, line.channel or "message")


def _icon(line: Line) -> str:
    return ICONS.get(line.channel or "", "bell")


def _why(line: Line) -> str:
    return reason_in_words(line.reason)
