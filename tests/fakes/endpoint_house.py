"""A contact with a browser and a program on loopback, and the two channels that speak to them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from alerts.channels.channel import ChannelKind
from alerts.channels.web_push import WebPush
from alerts.channels.webhook import Webhook
from alerts.endpoints import Endpoints
from isocket.domain.endpoints import Endpoint
from isocket.domain.record import Record
from isocket.storage.port import StoreUnavailableError, Test
from tests.fakes.alert_house import ANNA, PUBLIC_URL, AlertHouse
from tests.fakes.dying import DyingRecords, Fuse
from tests.fakes.patience import PATIENCE_S
from tests.fakes.web_receiver import Program, PushService

R = TypeVar("R", bound=Record)

BROWSER, PROGRAM = "end_browser", "end_program"
NAME = "here"  # the place of both at their servers
LIMITS = {"connect_s": PATIENCE_S, "total_s": PATIENCE_S}  # both' too


class _Full(DyingRecords):
    """A store that has no room for what is learnt of endpoints."""

    async def change_one(self, kind: type[R], *tests: Test, order_by: str = "id", **changes: Any) -> R | None:
        if kind is Endpoint:
            raise StoreUnavailableError("no room")
        return await super().change_one(kind, *tests, order_by=order_by, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHouse:
    """Anna's browser and program, and what speaks to them."""

    house: AlertHouse
    service: PushService
    program: Program
    push: WebPush
    webhook: Webhook

    async def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return the endpoint as it is stored."""
        found = await self.house.records.get(Endpoint, endpoint_id)
        assert found is not None
        return found


@asynccontextmanager
async def endpoint_house(*, loopback: bool = True, full: bool = False, **changes: Any) -> AsyncIterator[EndpointHouse]:
    """Run both servers; `changes` are those of both endpoints. With `full` the store keeps nothing new of endpoints."""
    house = await AlertHouse().furnish()
    service, program = PushService(), Program()
    await service.start()
    await program.start()
    subscription = json.dumps(service.subscribe(NAME))
    await house.endpoint(ChannelKind.PUSH, **{"id": BROWSER, "address": subscription, "contact_id": ANNA, **changes})
    place = {"id": PROGRAM, "address": f"{program.base_url}/{NAME}", "secret": program.secret}
    await house.endpoint(ChannelKind.WEBHOOK, **{**place, **changes})
    records = _Full(house.records, Fuse()) if full else house.records
    endpoints = Endpoints(records=records, clock=house.clock, public_url=PUBLIC_URL)
    push = WebPush(
        endpoints=endpoints,
        clock=house.clock,
        key=generate_private_key(SECP256R1()),
        contact="mailto:operator@example.org",
        loopback=loopback,
        **LIMITS,
    )
    webhook = Webhook(endpoints=endpoints, clock=house.clock, loopback=loopback, **LIMITS)
    yield EndpointHouse(house=house, service=service, program=program, push=push, webhook=webhook)
    for each in (push, webhook, service, program):
        await (each.stop() if isinstance(each, PushService | Program) else each.close())
