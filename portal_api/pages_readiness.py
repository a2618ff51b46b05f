"""Who would be told of an alarm now, in words for a socket's own page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isocket.domain.contacts import Contact, Escalation
from isocket.domain.devices import Device
from isocket.domain.incidents import Severity
from isocket.domain.ladders import ladder_of
from isocket.storage.port import is_
from portal_api.pages_words import CHANNELS, LACKS, reason_in_words, word_for
from portal_api.readiness import Lack, Missing, Reached, readiness_of
from portal_api.rendering import LocalTime, local_time
from portal_api.routes import Call

_OF_EVERYBODY = frozenset({Lack.NO_RECIPIENT, Lack.ALL_QUIET, Lack.RESTRICTED})
_WHOLE_SENTENCES = frozenset({Lack.NEVER_HEARD, Lack.SILENT, Lack.REMOVED, Lack.INFORMATION_ONLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    """Somebody who would be told: how and when, and for whom they stand in."""

    name: str
    how: str
    beside: str


async def readiness_words(call: Call[Any, Any], device: Device) -> Mapping[str, object]:
    """Return `reached`, `lacks` and `unheard` (empty where somebody is reached) for a page.

    They are of a critical alarm, besides whom the ladder's cap leaves out of any other.
    """
    (found,) = await readiness_of(call, [device])
    left_out = await _left_out(call, device)
    contacts = await call.records.find(Contact, is_("account_id", call.account.id))
    names, time = {each.id: each.name for each in contacts}, local_time(call)
    nobody = "Nobody would be told of an alarm: no contact has an address that is verified."
    stopped = f"Nobody is told of alarms. {LACKS[Lack.RESTRICTED]}."
    asleep = "Nobody would be told at once: everybody has quiet hours, for critical alarms too."
    return {
        "reached": [_who(each, names, time) for each in found.reached],
        "lacks": list(dict.fromkeys(_lacks([*found.missing, *left_out], names, time))),
        "unheard": "" if not found.unheard else stopped if found.restricted else asleep if found.reached else nobody,
    }


async def _left_out(call: Call[Any, Any], device: Device) -> list[Missing]:
    """Return whom the cap of the ladder that holds leaves out; most ladders have none, and then nothing is asked."""
    ladders = await call.records.find(Escalation, is_("account_id", call.account.id))
    if ladder_of(device.id, ladders).cap is None:
        return []
    (lesser,) = await readiness_of(call, [device], severity=Severity.MAJOR, with_proofs=False)
    return [each for each in lesser.missing if each.what is Lack.CAP_REACHED]


def _who(each: Reached, names: Mapping[str, str], time: LocalTime) -> _Who:
    ways = ", ".join(word_for(CHANNELS, channel) for channel in each.channels)
    after = f" after {_exactly(each.after_s)}" if each.after_s else " at once"
    when = f", not before {time.short(each.held_until)}" if each.held_until else after
    proved = f"; last reached {time.short(each.last_reached_at)}" if each.last_reached_at else ""
    beside = f"stands in for {names.get(each.stands_in_for, 'somebody')}" if each.stands_in_for else ""
    return _Who(name=each.name, how=f"{ways}{when}{proved}", beside=beside)


def _exactly(seconds: float) -> str:
    """Return when a step of the ladder is due, `1 h 30 min`: in its largest unit alone it would seem to come sooner."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, rest_min = divmod(minutes, 60)
    return " ".join(f"{each} {unit}" for each, unit in ((hours, "h"), (rest_min, "min"), (rest_s, "s")) if each)


def _lacks(missing: list[Missing], names: Mapping[str, str], time: LocalTime) -> Iterator[str]:
    for each in missing:
        if each.what in _OF_EVERYBODY:
            continue
        if each.what in _WHOLE_SENTENCES:
            yield f"{LACKS[each.what]}."
            continue
        who = names.get(each.contact_id or "", "Somebody")
        way = f", {word_for(CHANNELS, each.channel)}:" if each.channel else ""
        until = f" until {time.short(each.until)}" if each.until else ""
        why = f": {reason_in_words(each.reason)}" if each.reason else ""
        yield f"{who}{way} {LACKS[each.what]}{until}{why}."
