"""Who would be reached if a socket raised an alarm, now or at another time, and what is missing."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.api_tokens import Scope
from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Severity
from isocket.domain.ladders import Source
from isocket.domain.reach import Hearer, Reach, alike, reach
from isocket.domain.recipients import People
from isocket.domain.reports import DeviceState
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.storage.ladders_at import ladders_at
from isocket.storage.port import Records, above, is_
from portal_api.cursor import encode, page_of
from portal_api.devices import is_online
from portal_api.models import GivenInstant, Instant, Page, PageQuery, View
from portal_api.owned import within_token
from portal_api.portal import Portal
from portal_api.problem import Problem, fault
from portal_api.proofs import Proofs, proofs_of
from portal_api.routes import AnyRoute, Call, Route
from portal_api.ways_out import closed_ways

MOST_ROWS = 3000  # people and lacks on a page: some 500 kB
FURTHEST = timedelta(days=400)  # so far ahead one may look: over every change of clocks


class Lack(StrEnum):
    """What is missing."""

    NO_RECIPIENT = "no_recipient"  # nobody at all would be told
    RESTRICTED = "restricted"  # the account's data is only kept, and its owner chose that nobody is alarmed
    INFORMATION_ONLY = "information_only"  # what is `info` is kept for the record, and nobody is told
    ALL_QUIET = "all_quiet"  # everybody would be told only when their quiet hours end
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    UNVERIFIED = "unverified"
    PAUSED = "paused"
    NO_ADDRESS = "no_address"
    ENDPOINT_GONE = "endpoint_gone"
    CHANNEL_NOT_CONFIGURED = "channel_not_configured"  # nothing goes out by this channel here
    PROVIDER_REFUSES = "provider_refuses"  # for now, and we know of no other provider
    SPENDING_CAP = "spending_cap"  # only critical alarms still go by what costs money
    REMOVED = "removed"  # the ladder names somebody who is no contact any more
    SUBSTITUTED = "substituted"  # somebody else is told in their place for now
    STAND_IN_UNREACHABLE = "stand_in_unreachable"  # so that the one who is away is told after all
    QUIET_HOURS = "quiet_hours"  # told at `until`
    CAP_REACHED = "cap_reached"  # the ladder allows no more alarms of an incident that is not critical
    LAST_FAILED = "last_failed"  # the latest message by this way did not get through: see `reason`


_SERIOUS = frozenset(
    {Lack.NO_RECIPIENT, Lack.RESTRICTED, Lack.INFORMATION_ONLY, Lack.ALL_QUIET, Lack.NEVER_HEARD, Lack.SILENT}
)


class ReadinessQuery(PageQuery):
    """For which moment and which alarms."""

    at: GivenInstant | None = Field(
        default=None,
        description="Who would be told of an alarm that is raised then: now if absent, up to 400 days ahead. "
        "Sockets are looked at as they are now.",
    )
    severity: Severity = Field(default=Severity.CRITICAL, description="How much the alarm matters.")


class Reached(View):
    """Somebody who would be told."""

    contact_id: str
    name: str
    channels: list[str]
    after_s: float
    held_until: Instant | None = Field(description="They sleep then, and are told at this time if it still lasts.")
    stands_in_for: str | None = Field(description="The contact in whose place, or beside whom, they are told.")
    last_reached_at: Instant | None = Field(
        description="When one of these ways was last seen to work: a receipt, an answer, a typed code."
    )


class Missing(View):
    """Something that keeps an alarm from reaching somebody."""

    what: Lack
    contact_id: str | None = None
    channel: str | None = None
    until: Instant | None = None
    reason: str | None = None


class Readiness(View):
    """One socket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "device_id": "is7k2m9q4xw1",
                    "name": "Summer house",
                    "number": 2,
                    "at": "2026-11-22T12:00:00.000Z",
                    "ready": True,
                    "ladder": "default",
                    "reached": [
                        {
                            "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
                            "name": "Neighbour",
                            "channels": ["sms"],
                            "after_s": 0,
                            "held_until": None,
                            "stands_in_for": None,
                            "last_reached_at": "2026-11-20T08:15:30.000Z",
                        }
                    ],
                    "missing": [
                        {
                            "what": "unverified",
                            "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
                            "channel": "email",
                            "until": None,
                            "reason": None,
                        }
                    ],
                }
            ]
        }
    )

    device_id: str
    name: str | None
    number: int | None = Field(description="Which of its owner's it is, see the socket.")
    at: Instant
    ready: bool = Field(description="The socket is heard, and somebody would be told at their step.")
    ladder: Source
    reached: list[Reached]
    missing: list[Missing]

    @property
    def unheard(self) -> bool:
        """Return whether nobody would hear of an alarm at once."""
        return all(each.held_until is not None for each in self.reached)

    @property
    def restricted(self) -> bool:
        """Return whether that is so because alarms are stopped by a restriction."""
        return any(each.what is Lack.RESTRICTED for each in self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circle:
    """The people of an account with their ladders, for one look."""

    people: People
    escalations: Sequence[Escalation]
    restriction: Restriction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What is the same for all sockets of which the same people hear."""

    source: Source
    reached: list[Reached]
    of_everybody: list[Missing]
    of_people: list[Missing]


async def show(call: Call[None, ReadinessQuery]) -> Page[Readiness] | Problem:
    """Show for each socket who would be reached, and what is missing. With `at` as a rehearsal for another time."""
    now, query = call.clock.now(), call.query
    at = query.at or now
    if not -timedelta(days=1) <= at - now <= FURTHEST:
        return fault("at", "From a day ago to 400 days ahead.")
    devices, following = await page_of(
        call.records,
        Device,
        is_("owner_id", call.account.id),
        *within_token(call, "id"),
        cursor=query.cursor,
        limit=query.limit,
    )
    found = await readiness_of(call, devices, at=at, severity=query.severity, most=MOST_ROWS)
    if len(found) < len(devices):
        following = encode(found[-1].device_id, found[-1].device_id)
    return Page[Readiness](items=found, next=following)


async def readiness_of(
    call: Call[Any, Any],
    devices: Sequence[Device],
    *,
    at: datetime | None = None,
    severity: Severity = Severity.CRITICAL,
    with_proofs: bool = True,
    most: float = math.inf,
) -> list[Readiness]:
    """Return for each of the caller's sockets who would be reached (now if `at` is None), and what is missing.

    It ends before the socket with which more than `most` people and lacks were named, but not before the second.
    Without proofs nothing is read of what was sent: `last_reached_at` is null then, and `last_failed` unknown.
    """
    if not devices:
        return []
    now = call.clock.now()
    then = at or now
    circle = await _circle_of(call.records, call.account.id, [each.id for each in devices], now)
    proofs = await proofs_of(call.records, call.account.id, circle.people) if with_proofs else Proofs()
    states = await call.portal.telemetry.latest([device.id for device in devices])
    unusable = await closed_ways(call.portal, call.account.id, severity)
    stopped = circle.restriction is not None and circle.restriction.stops_alarms(then)
    stands_for = alike((each.id for each in devices), circle.people, circle.escalations)

    def heard_at(device_id: str) -> _Heard:
        reached = reach(
            circle.people, circle.escalations, device_id=device_id, severity=severity, at=then, unusable=unusable
        )
        return _heard(replace(reached, told=()) if stopped else reached, severity, proofs, stopped=stopped)

    heard: dict[str, _Heard] = {}
    found: list[Readiness] = []
    rows = 0
    for each in devices:
        await asyncio.sleep(0)  # with a long ladder, or hundreds of people, each takes some ms, and there may be 200
        like = stands_for[each.id]
        if like not in heard:
            heard[like] = heard_at(like)
        made = _readiness(each, then, heard[like], _of_device(call.portal, each, states.get(each.id)))
        rows += len(made.reached) + len(made.missing)
        if found and rows > most:
            break
        found.append(made)
    return found


async def _circle_of(records: Records, account_id: str, device_ids: Sequence[str], now: datetime) -> _Circle:
    """Return the people of an account, and the ladders of these sockets; whose standing in is over is left out."""
    of_account = is_("account_id", account_id)
    contacts = await records.find(Contact, of_account)
    people = People(
        contacts={each.id: each for each in contacts},
        endpoints=await records.find(Endpoint, of_account),
        substitutions=await records.find(Substitution, of_account, above("until_at", now)),
    )
    return _Circle(
        people=people,
        escalations=await records.find(Escalation, *ladders_at(account_id, device_ids)),
        restriction=await records.get(Restriction, restriction_id(account_id)),
    )


def _heard(found: Reach, severity: Severity, proofs: Proofs, *, stopped: bool) -> _Heard:
    of_people = (
        Missing(what=Lack(each.reason), contact_id=each.contact_id, channel=each.channel) for each in found.skipped
    )
    return _Heard(
        source=found.ladder.source,
        reached=_grouped(found.told, proofs),
        of_everybody=[Missing(what=Lack.RESTRICTED)] if stopped else [*_of_everybody(found, severity)],
        of_people=list(dict.fromkeys([*of_people, *_of_told(found.told, proofs)])),
    )


def _readiness(device: Device, at: datetime, heard: _Heard, of_device: Iterable[Missing]) -> Readiness:
    missing = [*heard.of_everybody, *of_device, *heard.of_people]
    return Readiness(
        device_id=device.id,
        name=device.name,
        number=device.number,
        at=at,
        ready=not any(each.what in _SERIOUS for each in missing),
        ladder=heard.source,
        reached=heard.reached,
        missing=missing,
    )


def _of_everybody(found: Reach, severity: Severity) -> Iterable[Missing]:
    if severity is Severity.INFO:
        yield Missing(what=Lack.INFORMATION_ONLY)
    elif not found.told:
        yield Missing(what=Lack.NO_RECIPIENT)
    elif not found.awake:
        yield Missing(what=Lack.ALL_QUIET, until=min(each.held_until for each in found.told if each.held_until))


def _of_device(portal: Portal, device: Device, state: DeviceState | None) -> Iterable[Missing]:
    if state is None:
        yield Missing(what=Lack.NEVER_HEARD)
    elif not is_online(portal, device, state):
        yield Missing(what=Lack.SILENT)


def _of_told(told: Sequence[Hearer], proofs: Proofs) -> Iterable[Missing]:
    for each in told:
        contact_id, channel = each.to.contact.id, each.to.channel
        if each.held_until is not None:
            yield Missing(what=Lack.QUIET_HOURS, contact_id=contact_id, until=each.held_until)
        if (contact_id, channel) in proofs.failed:
            reason = proofs.failed[contact_id, channel]
            yield Missing(what=Lack.LAST_FAILED, contact_id=contact_id, channel=channel, reason=reason)


def _grouped(told: Sequence[Hearer], proofs: Proofs) -> list[Reached]:
    """Return each person once for each time at which they are told, with all their ways."""
    groups: dict[tuple[object, ...], list[Hearer]] = {}
    for each in told:
        key = (each.to.contact.id, each.after_s, each.held_until, each.to.stands_in_for)
        groups.setdefault(key, []).append(each)
    return [_reached(group, proofs.reached_at) for group in groups.values()]


def _reached(group: Sequence[Hearer], reached_at: Mapping[tuple[str, ChannelKind], datetime]) -> Reached:
    contact, first = group[0].to.contact, group[0]
    channels = list(dict.fromkeys(each.to.channel for each in group))
    proved = [reached_at[contact.id, each] for each in channels if (contact.id, each) in reached_at]
    return Reached(
        contact_id=contact.id,
        name=contact.name,
        channels=[each.value for each in channels],
        after_s=first.after_s,
        held_until=first.held_until,
        stands_in_for=first.to.stands_in_for,
        last_reached_at=max(proved, default=None),
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/readiness",
        handler=show,
        summary="Show who would be reached",
        scope=Scope.ALARMS,
        query=ReadinessQuery,
        answers={200: Page[Readiness]},
    ),
)
