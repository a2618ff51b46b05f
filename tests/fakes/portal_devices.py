"""A portal on sealed memory stores with sockets to claim, for tests of what customers do with them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, Severity, open_key
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.secrets import claim_hash
from isocket.kit.clock import to_ms
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.routes import AnyRoute
from tests.fakes.dying import DyingRecords, Fuse
from tests.fakes.portal_house import PortalHouse, portal_house

CODE = "7H3K-9QXM-2D4V-RT8W"
SOCKET = "is0000000001"
MAIJA = "maija@example.org"
PEKKA = "pekka@example.org"
PHONE = "+447700900123"
ALL_ROUTES: tuple[AnyRoute, ...] = (*ROUTES, *(each for each in DEVICE_ROUTES if each not in ROUTES))
T = TypeVar("T")
_SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")


class Crowd(Fuse):
    """Lets others run before each verb, as a store on a disk does; a store in memory would hide every race."""

    async def guard(self, verb: Callable[[], Awaitable[T]], *, leaves: Callable[[T], bool] = bool) -> T:
        """Give way, then run the verb."""
        await asyncio.sleep(0)
        return await verb()


@asynccontextmanager
async def devices_house(**settings: Any) -> AsyncIterator[PortalHouse]:
    """Run a portal with all routes about sockets, on sealed stores."""
    stored = StoredRecords(SealedDocuments(MemoryDocuments(), MemoryKeyring()))
    records = DyingRecords(stored, Crowd())
    async with portal_house(records=records, routes=ALL_ROUTES, **settings) as house:
        yield house


async def make_device(house: PortalHouse, device_id: str = SOCKET, model: str = "isocket-707") -> None:
    """Put a socket on the shelf; its claim code is `CODE`."""
    now = house.clock.now()
    await house.records.add(
        Device(id=device_id, model=model, secret_hash="$", claim_hash=claim_hash(CODE), provisioned_at=now)
    )


async def claim(house: PortalHouse, token: str, device_id: str = SOCKET, **more: Any) -> dict[str, Any]:
    """Make a socket that is on the shelf the customer's."""
    answer = await house.ask(
        "POST", "/devices/claim", {"device_id": device_id, "claim_code": CODE, **more}, token=token
    )
    assert answer.status == 201, await answer.text()
    claimed: dict[str, Any] = await answer.json()
    return claimed


async def owned(house: PortalHouse, username: str = MAIJA, device_id: str = SOCKET, model: str = "isocket-707") -> str:
    """Return the token of a new customer with one socket."""
    token = await house.customer(username)
    await make_device(house, device_id, model)
    await claim(house, token, device_id)
    return token


async def stored_device(house: PortalHouse, device_id: str = SOCKET) -> Device:
    """Return a device as it is stored."""
    device = await house.records.get(Device, device_id)
    assert device is not None
    return device


async def report(house: PortalHouse, seq: int, device_id: str = SOCKET, at_ms: int | None = None, **said: Any) -> None:
    """Let a socket say something, just now or at `at_ms`."""
    now_ms = to_ms(house.clock.now())
    body = {"boot": 1, "seq": seq, **said}
    await house.telemetry.store(
        [
            Report(
                device_id=device_id,
                kind=ReportKind.STATE,
                boot=1,
                seq=seq,
                at_ms=now_ms if at_ms is None else at_ms,
                received_ms=now_ms,
                clock=ClockQuality.DEVICE,
                body=json.dumps(body),
                fields=body,
            )
        ]
    )


async def incident(
    house: PortalHouse, incident_id: str, account_id: str, device_id: str = SOCKET, **more: Any
) -> Incident:
    """Store an incident, by default an open power cut."""
    now = house.clock.now()
    made: dict[str, Any] = {
        "cause": Cause.MAINS_LOST,
        "severity": Severity.CRITICAL,
        "opened_at": now,
        "detected_at": now,
        "open_key": open_key(device_id, Cause.MAINS_LOST, None),
        **more,
    }
    stored = Incident(id=incident_id, account_id=account_id, device_id=device_id, **made)
    await house.records.add(stored)
    return stored


async def codes(house: PortalHouse, address: str) -> list[str]:
    """Return the verification codes that wait to be sent to an address, oldest first."""
    due = await house.records.find(
        Delivery, is_("kind", DeliveryKind.CODE), is_("state", DeliveryState.DUE), order_by="created_at"
    )
    return [str(code) for each in due if each.address == address for code in _SIX_DIGITS.findall(each.text)]


async def enter(house: PortalHouse, token: str, **contact: Any) -> dict[str, Any]:
    """Enter a contact."""
    answer = await house.ask("POST", "/contacts", {"name": "Neighbour", **contact}, token=token)
    assert answer.status == 201, await answer.text()
    entered: dict[str, Any] = await answer.json()
    return entered


async def verified(house: PortalHouse, token: str, phone: str = PHONE, **contact: Any) -> dict[str, Any]:
    """Enter a contact with a telephone and type in its code."""
    entered = await enter(house, token, phone=phone, **contact)
    code = (await codes(house, phone))[-1]
    answer = await house.ask("POST", f"/contacts/{entered['id']}/verify", {"channel": "sms", "code": code}, token=token)
    assert answer.status == 200, await answer.text()
    done: dict[str, Any] = await answer.json()
    return done


def fields_of(problem: dict[str, Any]) -> list[str]:
    """Return the fields that a problem document blames."""
    return [each["field"] for each in problem["errors"]]
