"""An incident's timeline in sentences: what happened, to whom, and why where something was not sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from isocket.domain.contacts import Contact
from isocket.domain.incidents import Happening, TimelineEntry
from isocket.kit.clock import from_text
from portal_api.pages_words import CHANNELS, REASONS, RECEIPTS, spoken
from portal_api.rendering import LocalTime, lasting

_WORTH_SAYING_S = 2  # an alarm whose beginning and detection lie nearer together began when we heard of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. `tone` is empty, `ok`, `warn` or `bad`."""

    entry: TimelineEntry
    icon: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the sentences need to know: who the contacts are, whose page it is, and the local time."""

    names: Mapping[str, str]
    account_id: str
    time: LocalTime

    def line(self, entry: TimelineEntry) -> Line:
        """Return the entry in words; one of a kind that is newer than this program is shown by its name."""
        tell = _TELLERS.get(entry.what)
        if tell is None:
            return Line(entry=entry, icon="clock", text=spoken({}, entry.what.value).capitalize() + ".")
        icon, text, tone = tell(self, entry)
        return Line(entry=entry, icon=icon, text=text, tone=tone)

    def whom(self, entry: TimelineEntry) -> str:
        """Return who a line is about."""
        return self.name(entry.contact_id)

    def name(self, contact_id: str | None) -> str:
        """Return what a contact is called."""
        return self.names.get(contact_id or "", "a contact who was removed")


def told(entries: Sequence[TimelineEntry], telling: Telling) -> list[Line]:
    """Return the timeline in words, oldest first. Entries of one instant keep the order in which they follow."""
    rank = {what: place for place, what in enumerate(Happening)}
    return [telling.line(each) for each in sorted(entries, key=lambda each: (each.at, rank[each.what]))]


def names_of(contacts: Sequence[Contact]) -> dict[str, str]:
    """Return what each contact is called, by id."""
    return {each.id: each.name for each in contacts}


Told = tuple[str, str, str]


def _opened(telling: Telling, entry: TimelineEntry) -> Told:
    text, began = "The alarm was raised.", entry.detail.get("began")
    if isinstance(began, str):
        since = from_text(began)
        late_s = (entry.at - since).total_seconds()
        if late_s >= _WORTH_SAYING_S:
            text = f"The alarm was raised. It began at {telling.time.seconds(since)}, {lasting(late_s)} before."
    return "alert", text, "bad"


def _step(_: Telling, entry: TimelineEntry) -> Told:
    number = entry.detail.get("step")
    at = f"Step {number + 1}" if isinstance(number, int) else "The next step"
    return "bell", f"{at}: people are told.", ""


def _due(telling: Telling, entry: TimelineEntry) -> Told:
    about = "that it is over" if entry.detail.get("kind") == "clear" else "with the alarm"
    return _icon(entry), f"{_by(entry).capitalize()} to {telling.whom(entry)} {about}.", ""


def _not_sent(telling: Telling, entry: TimelineEntry) -> Told:
    reason = _why(entry)
    if entry.contact_id is None:
        return "bell", f"Nobody is told: {reason}.", ""
    by = f" by {_by(entry)}" if entry.channel else ""
    return _icon(entry), f"Not sent to {telling.whom(entry)}{by}: {reason}.", "warn"


def _attempt(telling: Telling, entry: TimelineEntry) -> Told:
    what = f"{_by(entry).capitalize()} to {telling.whom(entry)}"
    match entry.detail.get("outcome"):
        case "sent":
            return _icon(entry), f"{what} is sent.", "ok"
        case "refused":
            return _icon(entry), f"{what} was refused: {_why(entry)}.", "bad"
        case "later":
            return _icon(entry), f"{what} did not go out yet: {_why(entry)}. We try again.", "warn"
        case _:
            return _icon(entry), f"{what}: it is not clear whether it went out. We find out before we repeat it.", "warn"


def _receipt(telling: Telling, entry: TimelineEntry) -> Told:
    status = str(entry.detail.get("status") or "")
    tone = {"delivered": "ok", "read": "ok", "failed": "bad", "undelivered": "bad"}.get(status, "")
    return _icon(entry), f"{_by(entry).capitalize()} to {telling.whom(entry)}: {spoken(RECEIPTS, status)}.", tone


def _acknowledged(telling: Telling, entry: TimelineEntry) -> Told:
    who, _, way = str(entry.detail.get("by") or "").partition(" ")
    if who == telling.account_id:
        name = "you"
    else:
        name = telling.names.get(who, "somebody")
    by = {"sms": ", by a reply", "voice": ", by a key"}.get(way, "")
    return "check", f"Acknowledged by {name}{by}. Nobody else is told.", "ok"


def _closed(_: Telling, entry: TimelineEntry) -> Told:
    lasted_s = entry.detail.get("lasted_s")
    after = f", after {lasting(lasted_s)}" if isinstance(lasted_s, int | float) else ""
    return "check", f"Closed{after}: {_why(entry)}.", "ok"


def _exhausted(_: Telling, entry: TimelineEntry) -> Told:
    return "alert", f"Nobody could be told: {_why(entry)}. We wrote to your own address.", "bad"


def _note(_: Telling, entry: TimelineEntry) -> Told:
    value = entry.detail.get("value")
    more = f" ({value:g} %)" if entry.reason == "deeper" and isinstance(value, int | float) else ""
    text = _why(entry)
    return "clock", f"{text[:1].upper()}{text[1:]}{more}.", "warn" if entry.reason == "unclear" else ""


_TELLERS: Mapping[Happening, Callable[[Telling, TimelineEntry], Told]] = MappingProxyType(
    {
        Happening.OPENED: _opened,
        Happening.STEP: _step,
        Happening.DELIVERY_DUE: _due,
        Happening.NOT_SENT: _not_sent,
        Happening.ATTEMPT: _attempt,
        Happening.RECEIPT: _receipt,
        Happening.ACKNOWLEDGED: _acknowledged,
        Happening.CLOSED: _closed,
        Happening.EXHAUSTED: _exhausted,
        Happening.NOTE: _note,
    }
)


def _by(entry: TimelineEntry) -> str:
    return spoken(CHANNELS, entry.channel or "message")


def _icon(entry: TimelineEntry) -> str:
    return {"email": "mail", "sms": "phone", "voice": "phone"}.get(entry.channel or "", "bell")


def _why(entry: TimelineEntry) -> str:
    """Return the reason in words. Providers' codes and errors may follow it, which are for the operator."""
    name = entry.reason.partition(":")[0].partition(" ")[0]
    return spoken(REASONS, name) if name else "no reason was given"
