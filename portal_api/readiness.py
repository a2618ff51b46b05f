"""Who would be reached now if a socket raised an alarm, and what is missing."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.devices import Device
from isocket.domain.reports import DeviceState
from isocket.storage.port import is_
from portal_api.cursor import page_of
from portal_api.devices import is_online
from portal_api.ladders import Ladder, Rung, Source, channels_now, ladder_of
from portal_api.models import Page, PageQuery, View
from portal_api.portal import Portal
from portal_api.routes import AnyRoute, Call, Route


class Lack(StrEnum):
    """What is missing."""

    NO_RECIPIENT = "no_recipient"  # nobody at all would be told
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    UNVERIFIED = "unverified"
    PAUSED = "paused"
    NO_ADDRESS = "no_address"
    CHANNEL_NOT_CONFIGURED = "channel_not_configured"  # nothing goes out by this channel here
    REMOVED = "removed"  # the ladder names somebody who is no contact any more


_SERIOUS = frozenset({Lack.NO_RECIPIENT, Lack.NEVER_HEARD, Lack.SILENT})


class Reached(View):
    """Somebody who would be told."""

    contact_id: str
    name: str
    channels: list[str]
    after_s: float


class Missing(View):
    """Something that keeps an alarm from reaching somebody."""

    what: Lack
    contact_id: str | None = None
    channel: str | None = None


class Readiness(View):
    """One socket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "device_id": "is7k2m9q4xw1",
                    "name": "Summer house",
                    "ready": True,
                    "ladder": "default",
                    "reached": [
                        {
                            "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
                            "name": "Neighbour",
                            "channels": ["sms"],
                            "after_s": 0,
                        }
                    ],
                    "missing": [
                        {"what": "unverified", "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h", "channel": "email"}
                    ],
                }
            ]
        }
    )

    device_id: str
    name: str | None
    ready: bool = Field(description="The socket is heard, and somebody would be told.")
    ladder: Source
    reached: list[Reached]
    missing: list[Missing]


async def show(call: Call[None, PageQuery]) -> Page[Readiness]:
    """Show for each socket who would be reached now, and what is missing."""
    devices, following = await page_of(
        call.records, Device, is_("owner_id", call.account.id), cursor=call.query.cursor, limit=call.query.limit
    )
    return Page[Readiness](items=await readiness_of(call, devices), next=following)


async def readiness_of(call: Call[Any, Any], devices: Sequence[Device]) -> list[Readiness]:
    """Return for each of the caller's sockets who would be reached now, and what is missing."""
    of_account = is_("account_id", call.account.id)
    contacts = await call.records.find(Contact, of_account)
    escalations = await call.records.find(Escalation, of_account)
    states = await call.portal.telemetry.latest([device.id for device in devices]) if devices else {}
    return [
        _readiness(call.portal, device, states.get(device.id), ladder_of(device.id, escalations, contacts), contacts)
        for device in devices
    ]


def _readiness(
    portal: Portal, device: Device, state: DeviceState | None, ladder: Ladder, contacts: Sequence[Contact]
) -> Readiness:
    known = {each.id: each for each in contacts}
    reached = [
        Reached(contact_id=contact.id, name=contact.name, channels=list(channels), after_s=rung.after_s)
        for rung in ladder.rungs
        for contact in (known[each] for each in rung.contact_ids if each in known)
        if (channels := [each for each in channels_now(contact, rung.channels) if each in portal.settings.channels])
    ]
    missing: list[Missing] = []
    if not reached:
        missing.append(Missing(what=Lack.NO_RECIPIENT))
    if state is None:
        missing.append(Missing(what=Lack.NEVER_HEARD))
    elif not is_online(portal, device, state):
        missing.append(Missing(what=Lack.SILENT))
    for rung in ladder.rungs:
        missing += [lack for each in rung.contact_ids for lack in _lacks(portal, each, known.get(each), rung)]
    missing = list(dict.fromkeys(missing))
    return Readiness(
        device_id=device.id,
        name=device.name,
        ready=not any(each.what in _SERIOUS for each in missing),
        ladder=ladder.source,
        reached=reached,
        missing=missing,
    )


def _lacks(portal: Portal, contact_id: str, contact: Contact | None, rung: Rung) -> Iterator[Missing]:
    """Yield why a contact would not be told by one of the ways that the step wants."""
    if contact is None:
        yield Missing(what=Lack.REMOVED, contact_id=contact_id)
        return
    if contact.paused_at is not None:
        yield Missing(what=Lack.PAUSED, contact_id=contact_id)
        return
    addresses = {ChannelKind.SMS: contact.phone, ChannelKind.EMAIL: contact.email}
    wanted = rung.channels or tuple(channel for channel, address in addresses.items() if address)
    for channel in wanted:
        if not addresses.get(channel):
            yield Missing(what=Lack.NO_ADDRESS, contact_id=contact_id, channel=channel)
        elif channel not in portal.settings.channels:
            yield Missing(what=Lack.CHANNEL_NOT_CONFIGURED, contact_id=contact_id, channel=channel)
        elif channel not in contact.verified_channels():
            yield Missing(what=Lack.UNVERIFIED, contact_id=contact_id, channel=channel)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/readiness",
        handler=show,
        summary="Show who would be reached",
        query=PageQuery,
        answers={200: Page[Readiness]},
    ),
)
