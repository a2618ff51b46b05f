"""Puts together what happened in incidents: the stored lines, how each message stands now, and calls under way."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryKind
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from isocket.storage.port import Records, is_, one_of
from portal_api.messages import Message, messages_of
from portal_api.models import Instant, View

MANY = 1_000  # lines and messages: to put them together takes some 20 ms of the event loop
_RANK = {what: number for number, what in enumerate(Happening)}  # of what happened in the same millisecond
_FOLLOWING = frozenset(
    {DeliveryKind.CLEAR, DeliveryKind.TAKEN, DeliveryKind.REMINDER}
)  # from an acknowledgement or end

FOR_GUESTS = (
    Happening.OPENED,
    Happening.ACKNOWLEDGED,
    Happening.CONFIRMED,
    Happening.LET_GO,
    Happening.CLOSED,
)


class Line(View):
    """One line of a timeline."""

    at: Instant
    what: Happening
    reason: str = Field(description="Why something was not sent or ended; empty where nothing needs a reason.")
    contact_id: str | None
    contact: str | None = Field(description="What the contact is called; null if it is not there any more.")
    channel: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of the messages of some incidents."""

    names: Mapping[str, str]
    deliveries: Mapping[str, Delivery]
    attempts: Mapping[str, Attempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """What happened in one incident, the oldest line first, and what became of each of its messages."""

    lines: list[Line]
    messages: list[Message]


async def chronicles(records: Records, account_id: str, incidents: Sequence[Incident]) -> dict[str, Chronicle]:
    """Return what happened in each incident by its id. All belong to this account.

    Things go on while we read. In this order nothing is there without its reason: what came of a call since the
    attempts were read has its line already, or the attempt says that it is under way.
    """
    if not incidents:
        return {}
    ids = [incident.id for incident in incidents]
    these = is_("incident_id", ids[0]) if len(ids) == 1 else one_of("incident_id", ids)
    attempts = await records.find(Attempt, these)
    entries = await records.find(TimelineEntry, these)
    deliveries = await records.find(Delivery, these)
    contacts = await records.find(Contact, is_("account_id", account_id)) if entries else []
    facts = _Facts(
        names={each.id: each.name for each in contacts if each.name},
        deliveries={each.id: each for each in deliveries},
        attempts={each.id: each for each in attempts},
    )
    if len(entries) + len(deliveries) > MANY:
        return await asyncio.to_thread(_chronicles, incidents, facts, entries)
    return _chronicles(incidents, facts, entries)


async def happenings(records: Records, incidents: Sequence[Incident]) -> dict[str, list[Line]]:
    """Return what a guest at the socket sees of each incident by its id: what came to pass, but nobody's part in it."""
    if not incidents:
        return {}
    found: dict[str, list[Line]] = {each.id: [] for each in incidents}
    entries = await records.find(TimelineEntry, one_of("incident_id", list(found)), one_of("what", FOR_GUESTS))
    for entry in sorted(entries, key=_order):
        found[entry.incident_id].append(
            Line(at=entry.at, what=entry.what, reason="", contact_id=None, contact=None, channel=None, detail={})
        )
    return found


def _chronicles(incidents: Sequence[Incident], facts: _Facts, entries: Sequence[TimelineEntry]) -> dict[str, Chronicle]:
    """Put together what was read."""
    grouped: dict[str, list[TimelineEntry]] = defaultdict(list)
    for entry in [*entries, *_under_way(facts, entries)]:
        grouped[entry.incident_id].append(entry)
    messages: dict[str | None, list[Delivery]] = defaultdict(list)
    for delivery in facts.deliveries.values():
        messages[delivery.incident_id].append(delivery)
    tries: dict[str | None, list[Attempt]] = defaultdict(list)
    for attempt in facts.attempts.values():
        tries[attempt.incident_id].append(attempt)
    return {
        each.id: Chronicle(
            lines=[_line(entry, facts) for entry in sorted(grouped[each.id], key=_order)],
            messages=messages_of(each, messages[each.id], tries[each.id], grouped[each.id], facts.names),
        )
        for each in incidents
    }


def _under_way(facts: _Facts, entries: Iterable[TimelineEntry]) -> Iterable[TimelineEntry]:
    """Yield a line for each call of a provider that has not come back: alerts writes one only then."""
    back = {entry.detail.get("attempt_id") for entry in entries if entry.what is Happening.ATTEMPT}
    for attempt in facts.attempts.values():
        delivery = facts.deliveries.get(attempt.delivery_id)
        if attempt.state is not AttemptState.STARTED or attempt.id in back:
            continue
        if attempt.incident_id and delivery is not None:
            yield TimelineEntry(
                id=attempt.id,
                incident_id=attempt.incident_id,
                account_id=attempt.account_id,
                at=attempt.started_at,
                what=Happening.ATTEMPT,
                contact_id=delivery.contact_id,
                channel=delivery.channel.value,
                detail={
                    "delivery_id": delivery.id,
                    "kind": delivery.kind.value,
                    "attempt_id": attempt.id,
                    "number": attempt.number,
                    "outcome": attempt.state.value,
                },
            )


def _order(entry: TimelineEntry) -> tuple[datetime, bool, int, str]:
    return entry.at, entry.detail.get("kind") in _FOLLOWING, _RANK[entry.what], entry.id


def _line(entry: TimelineEntry, facts: _Facts) -> Line:
    contact_id = entry.contact_id or _who(entry.detail.get("by"))
    return Line(
        at=entry.at,
        what=entry.what,
        reason=entry.reason,
        contact_id=contact_id,
        contact=facts.names.get(contact_id or ""),
        channel=entry.channel,
        detail=_detail(entry, facts),
    )


def _who(by: object) -> str | None:
    """Return the contact of `con_… sms`, which is how an acknowledgement says who gave it and by which way."""
    first = by.split(" ", 1)[0] if isinstance(by, str) else ""
    return first if first.startswith("con_") else None


def _detail(entry: TimelineEntry, facts: _Facts) -> dict[str, Any]:
    detail = dict(entry.detail)
    if entry.what is Happening.DELIVERY_DUE:
        delivery = facts.deliveries.get(str(detail.get("delivery_id")))
        if delivery is not None:
            detail |= {"state": delivery.state.value, "state_reason": delivery.reason}
    elif entry.what is Happening.ATTEMPT:
        attempt = facts.attempts.get(str(detail.get("attempt_id")))
        if attempt is not None:
            detail |= {"provider": attempt.provider, "receipt": attempt.receipt}
    return detail
