"""Who is told at a step of a ladder and by which ways, who stands in for whom, and why somebody is not told: pure.

Alerts tells by it, and the portal says by it beforehand who would be told, so that the two cannot disagree.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isocket.domain.contacts import ChannelKind, Contact, ContactRole, Escalation, Substitution
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint, endpoints_of, why_not_to
from isocket.domain.incidents import Severity
from isocket.domain.ladders import Ladder, Rung, Source, ladder_of

REMOVED = "removed"  # no contact any more
PAUSED = "paused"  # they asked us to stop
NO_ADDRESS = "no_address"
UNVERIFIED = "unverified"
SUBSTITUTED = "substituted"  # somebody else is told in their place
STAND_IN_UNREACHABLE = "stand_in_unreachable"  # so whom they stand in for is told after all


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What is known of the people of one account."""

    contacts: Mapping[str, Contact]
    endpoints: Sequence[Endpoint] = ()
    substitutions: Sequence[Substitution] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One person and one way to reach them. For push and webhook the address is the id of the endpoint."""

    contact: Contact
    channel: ChannelKind
    address: str
    stands_in_for: str | None = None  # the contact in whose place, or beside whom, they are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Somebody who is not told by a way, and why, for the owner to read."""

    contact_id: str
    channel: ChannelKind | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    contact_id: str
    stands_in_for: str | None = None


@dataclass(slots=True)
class _Step:
    """A step while it is put together; nobody stands there twice by the same way."""

    told: dict[tuple[str, ChannelKind, str], Recipient] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def ladder_for(device_id: str, severity: Severity, escalations: Sequence[Escalation], people: People) -> Ladder:
    """Return the ladder of an alarm: what matters little goes to service contacts, where one can be told, once.

    All else, and that too where no service contact can be told, goes by the device's ladder or the account's.
    """
    if severity in {Severity.MINOR, Severity.INFO}:
        service = _with_role(people, ContactRole.SERVICE)
        if any(is_reachable(each, people) for each in service):
            return Ladder(source=Source.SERVICE, rungs=(Rung(contact_ids=service),))
    return ladder_of(device_id, escalations)


def step_of(rung: Rung, people: People, *, device_id: str, at: datetime) -> tuple[list[Recipient], list[Skipped]]:
    """Return who is told at this step, and who is not and why.

    Whoever is away is replaced by their stand-in, who needs a proved way as everybody does; where they have none,
    the one who is away is told after all.
    """
    step = _Step()
    for contact_id in contacts_of(rung, people):
        for named in _in_place_of(contact_id, people, step, device_id=device_id, at=at):
            _add(step, named, rung, people)
    return list(step.told.values()), list(dict.fromkeys(step.skipped))


def contacts_of(rung: Rung, people: People) -> tuple[str, ...]:
    """Return the contacts that a step names, before anybody stands in for them."""
    if rung.contact_ids is not None:
        return tuple(dict.fromkeys(rung.contact_ids))
    return _with_role(people, ContactRole.ALARM)


def why_not(contact: Contact | None, channel: ChannelKind, endpoints: Sequence[Endpoint] = ()) -> str | None:
    """Return why this contact may not be told of alarms by this channel at all, None if they may."""
    if contact is None:
        return REMOVED
    if contact.paused_at is not None:
        return PAUSED
    if channel in ENDPOINT_KINDS:
        own = [each for each in endpoints if each.contact_id == contact.id and each.kind is channel]
        reasons = [why_not_to(each, contact.id) for each in own]
        return None if None in reasons else next(iter(reasons), NO_ADDRESS)
    if not address_of(contact, channel):
        return NO_ADDRESS
    return None if channel in contact.verified_channels() else UNVERIFIED


def address_of(contact: Contact, channel: ChannelKind) -> str | None:
    """Return the address of the contact's own by which this channel reaches them; endpoints have theirs."""
    if channel in ENDPOINT_KINDS:
        return None
    return contact.email if channel is ChannelKind.EMAIL else contact.phone


def usual_channels(contact: Contact, endpoints: Sequence[Endpoint]) -> tuple[ChannelKind, ...]:
    """Return the ways of a contact where a ladder names none, proved or not.

    They are called only where a call is all that their telephone has proved to take.
    """
    found: list[ChannelKind] = []
    if contact.phone:
        called = contact.voice_verified_at is not None and contact.phone_verified_at is None
        found.append(ChannelKind.VOICE if called else ChannelKind.SMS)
    if contact.email:
        found.append(ChannelKind.EMAIL)
    kinds = {each.kind for each in endpoints if each.contact_id == contact.id}
    return (*found, *sorted(kinds & ENDPOINT_KINDS))


def substitution_of(
    contact_id: str, substitutions: Sequence[Substitution], *, device_id: str, at: datetime
) -> Substitution | None:
    """Return who stands in for a contact at this moment: for this device before for all, the latest made first."""
    held = [
        each
        for each in substitutions
        if each.contact_id == contact_id and each.device_id in {None, device_id} and each.from_at <= at < each.until_at
    ]
    return max(held, key=lambda each: (each.device_id is not None, each.created_at, each.id), default=None)


def is_reachable(contact_id: str, people: People) -> bool:
    """Return whether this contact has any proved way and did not ask us to stop."""
    contact = people.contacts.get(contact_id)
    return contact is not None and bool(_ways(contact, people))


def _with_role(people: People, role: ContactRole) -> tuple[str, ...]:
    """Return the contacts that have a role, whoever was entered first before the others."""
    found = sorted([(each.created_at, each.id) for each in people.contacts.values() if role in each.roles])
    return tuple([contact_id for _, contact_id in found])


def _in_place_of(contact_id: str, people: People, step: _Step, *, device_id: str, at: datetime) -> Iterator[_Named]:
    """Yield who is told where a step names this contact: themself, or whoever stands in, or both."""
    substitution = substitution_of(contact_id, people.substitutions, device_id=device_id, at=at)
    if substitution is None:
        yield _Named(contact_id=contact_id)
        return
    chain = _stand_ins(substitution, people, device_id=device_id, at=at)
    reached = [each for each in chain if is_reachable(each, people)]
    step.skipped += [
        Skipped(contact_id=each, channel=None, reason=STAND_IN_UNREACHABLE) for each in chain if each not in reached
    ]
    if substitution.additional or not reached:
        yield _Named(contact_id=contact_id)
    elif contact_id in people.contacts:
        step.skipped.append(Skipped(contact_id=contact_id, channel=None, reason=SUBSTITUTED))
    if reached:
        yield _Named(contact_id=reached[-1], stands_in_for=contact_id)


def _stand_ins(first: Substitution, people: People, *, device_id: str, at: datetime) -> list[str]:
    """Return the stand-in, whoever stands in for them if they are away as well, and so on.

    Of a ring that comes back to the one who was named nobody is left: they are told themself.
    """
    found: list[str] = []
    following: Substitution | None = first
    while following is not None and following.stand_in_id not in found:
        if following.stand_in_id == first.contact_id:
            return []
        found.append(following.stand_in_id)
        following = substitution_of(following.stand_in_id, people.substitutions, device_id=device_id, at=at)
        if following is not None and following.additional:
            break
    return found


def _add(step: _Step, named: _Named, rung: Rung, people: People) -> None:
    contact = people.contacts.get(named.contact_id)
    if contact is None:
        step.skipped.append(Skipped(contact_id=named.contact_id, channel=None, reason=REMOVED))
        return
    wanted = dict.fromkeys(rung.channels or usual_channels(contact, people.endpoints))
    reasons = {channel: why_not(contact, channel, people.endpoints) for channel in wanted}
    ways = _addresses(contact, [channel for channel in wanted if reasons[channel] is None], people)
    if not ways and named.stands_in_for is not None:
        ways = _ways(contact, people)  # the ways of the step were chosen for somebody else
    for channel, address in ways:
        to = Recipient(contact=contact, channel=channel, address=address, stands_in_for=named.stands_in_for)
        step.told.setdefault((contact.id, channel, address), to)
    if not wanted:
        step.skipped.append(Skipped(contact_id=contact.id, channel=None, reason=NO_ADDRESS))
    for channel, reason in reasons.items():
        if reason is not None:
            step.skipped.append(Skipped(contact_id=contact.id, channel=channel, reason=reason))


def _ways(contact: Contact, people: People) -> list[tuple[ChannelKind, str]]:
    """Return all ways by which this person may be told, each with its address."""
    usual = usual_channels(contact, people.endpoints)
    return _addresses(contact, [each for each in usual if why_not(contact, each, people.endpoints) is None], people)


def _addresses(contact: Contact, allowed: Iterable[ChannelKind], people: People) -> list[tuple[ChannelKind, str]]:
    """Return the channels by which this person may be told, each with its address."""
    found: list[tuple[ChannelKind, str]] = []
    for channel in allowed:
        if channel in ENDPOINT_KINDS:
            found += [(channel, each.id) for each in endpoints_of(people.endpoints, contact.id, channel)]
        elif address := address_of(contact, channel):
            found.append((channel, address))
    return found
