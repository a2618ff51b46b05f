"""Who would be reached if a socket raised an alarm at some moment, and why somebody would not: pure.

The portal warns by it beforehand, and alerts judges by it whether an account has anybody who can be told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isocket.domain.contacts import ChannelKind, Escalation
from isocket.domain.incidents import Severity
from isocket.domain.ladders import Ladder
from isocket.domain.quiet_hours import held_until
from isocket.domain.recipients import People, Recipient, Skipped, ladder_for, step_of

NOT_CONFIGURED = "channel_not_configured"  # nothing goes out by this channel here
CAP_REACHED = "cap_reached"  # the ladder allows no more alarms of one incident
SPENDING_CAP = "spending_cap"  # only critical alarms still go by what costs money


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """Somebody who would be told, after how many seconds; `held_until`: when they would, if they sleep then."""

    to: Recipient
    after_s: float
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who would be told, the earliest first, and who would not. Repetitions of the ladder are left out."""

    ladder: Ladder
    told: tuple[Hearer, ...]
    skipped: tuple[Skipped, ...]

    @property
    def awake(self) -> tuple[Hearer, ...]:
        """Return those who would be told at their step, not later."""
        return tuple(each for each in self.told if each.held_until is None)


def reach(
    people: People,
    escalations: Sequence[Escalation],
    *,
    device_id: str,
    severity: Severity,
    at: datetime,
    unusable: Mapping[ChannelKind, str],
) -> Reach:
    """Return who would be reached by an alarm of this severity that is raised at `at`: of what is `info`, nobody.

    `unusable` says of channels why nothing gets through by them; `device_id` is "" for alarms of the whole account.
    """
    ladder = ladder_for(device_id, severity, escalations, people)
    told: list[Hearer] = []
    skipped: list[Skipped] = []
    cap = None if severity is Severity.CRITICAL else ladder.cap
    alarms = 0  # also those that would fail: they count for the cap when they are sent
    for rung in ladder.rungs if severity is not Severity.INFO else ():
        then = at + timedelta(seconds=rung.after_s)
        recipients, left_out = step_of(rung, people, device_id=device_id, at=then)
        skipped += left_out
        for to in recipients:
            if cap is not None and alarms >= cap:
                skipped.append(Skipped(contact_id=to.contact.id, channel=to.channel, reason=CAP_REACHED))
                continue
            alarms += 1
            if to.channel in unusable:
                skipped.append(Skipped(contact_id=to.contact.id, channel=to.channel, reason=unusable[to.channel]))
            else:
                asleep = to.channel is not ChannelKind.WEBHOOK  # a program is no person: nobody sleeps there
                until = held_until(to.contact, severity, then) if asleep else None
                told.append(Hearer(to=to, after_s=rung.after_s, held_until=until))
    return Reach(ladder=ladder, told=tuple(told), skipped=tuple(dict.fromkeys(skipped)))


def alike(device_ids: Iterable[str], people: People, escalations: Sequence[Escalation]) -> dict[str, str]:
    """Return for each socket the one that stands for it: `reach` says the same of both.

    A socket stands for itself where a ladder or a substitution names it, and one for all others. With hundreds of
    people each look takes some ms, and an account may have thousands of sockets.
    """
    named = {each.device_id for each in escalations} | {each.device_id for each in people.substitutions}
    ids = list(device_ids)
    other = next((each for each in ids if each not in named), "")
    return {each: each if each in named else other for each in ids}
