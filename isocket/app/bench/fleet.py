"""A power cut of a whole region: until when every customer's first alarm is with the provider, and who waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import time
from typing import Any

import aiohttp

from isocket.app.bench.children import Child, let_go, publisher
from isocket.app.bench.figures import percentiles
from isocket.app.bench.stage import Cloud, cloud, give_people, phone_of, quiet_devices
from isocket.app.roles import Role

WITHIN_S = 10.0  # all of them lose mains power within this time
MANY = 10  # customers who own a tenth of all sockets together; each other socket has a customer of its own
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Customer:
    """One customer: their telephone and how many sockets they have."""

    number: int
    sockets: int

    @property
    def phone(self) -> str:
        """Return the number that is told."""
        return phone_of(self.number)


async def dark_fleet(folder: Path, devices: int, sms_per_s: float) -> dict[str, Any]:
    """Let so many sockets lose mains power within ten seconds; return when the provider had whose alarms."""
    customers = _customers(devices)
    async with _fleet(folder, customers, sms_per_s) as (running, sink):
        load = await publisher(running.job("alarm", running.devices, rate=devices / WITHIN_S, count=devices))
        began = time()
        published = await let_go(load)
        arrived = await _arrivals(sink, devices, sms_per_s)
        memory_mib = round(getrusage(RUSAGE_SELF).ru_maxrss / 1024)
    return {
        "devices": devices,
        "customers": len(customers),
        "customers_with_many": sum(each.sockets > 1 for each in customers),
        "sms_per_s": sms_per_s,
        "lost_power_within_s": round(published["ended"] - began, 2),
        **_figures(customers, arrived, published["at"], sms_per_s),
        "memory_mib": memory_mib,
    }


def _customers(devices: int) -> list[_Customer]:
    """Return the owners in the order of their sockets: first those with many, then those with one."""
    each = devices // 10 // MANY
    many = [_Customer(number=number, sockets=each) for number in range(MANY)] if each > 1 else []
    single = devices - sum(one.sockets for one in many)
    return many + [_Customer(number=len(many) + number, sockets=1) for number in range(single)]


def _figures(
    customers: list[_Customer], arrived: dict[str, list[float]], published: list[float], sms_per_s: float
) -> dict[str, Any]:
    began = published[0]
    times = {phone: sorted(each) for phone, each in arrived.items()}
    firsts = sorted(each[0] - began for each in times.values())
    last_first = firsts[-1] if firsts else 0.0
    waited, at = [], 0
    for customer in customers:
        if customer.phone in times:
            waited.append(times[customer.phone][0] - published[at])
        at += customer.sockets
    later = [moment - began for each in times.values() for moment in each[1:]]
    early = [moment for moment in later if moment < last_first]
    return {
        "alarms_handed_over": sum(len(each) for each in times.values()),
        "customers_told": len(times),
        "first_alarm_of_every_customer_s": round(last_first, 2),
        "as_fast_as_the_sender_may_s": round(len(customers) / sms_per_s, 2),
        "first_alarms_waited": percentiles(waited),
        "second_alarms_before_the_last_first": len(early),
        "the_last_of_these_s": round(max(early, default=0.0), 2),
        "everything_handed_over_s": round(max([*later, last_first]), 2),
        "more_than_sockets": sum(len(times.get(each.phone, ())) > each.sockets for each in customers),
    }


async def _arrivals(sink: str, alarms: int, sms_per_s: float) -> dict[str, list[float]]:
    """Return when what arrived for whom, once everything did or more than enough time has passed."""
    until = time() + alarms / sms_per_s * 1.5 + PATIENCE_S
    arrived: dict[str, list[float]] = {}
    async with aiohttp.ClientSession() as http:
        while time() < until and sum(map(len, arrived.values())) < alarms:
            await asyncio.sleep(1.0)
            async with http.get(f"{sink}/times") as answer:
                arrived = await answer.json()
    return arrived


@asynccontextmanager
async def _fleet(folder: Path, customers: list[_Customer], sms_per_s: float) -> AsyncIterator[tuple[Cloud, str]]:
    """Run a cloud for these customers, and the process that stands for their provider."""
    child = await Child.start("isocket.app.bench.sink")
    sink: str = (await child.hear())["url"]
    settings = {
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": "bench",
        "twilio_from": "iSocket",  # a name calls nobody: what is measured here are texts
        "twilio_base_url": sink,
        "sms_per_s": sms_per_s,
        "receipt_wait_s": 3600,  # nobody here sends receipts
    }
    wanted = (Role.BROKER, Role.BRIDGE, Role.ALERTS)
    async with cloud(folder, devices=sum(each.sockets for each in customers), wanted=wanted, **settings) as running:
        await give_people(running, [each.number for each in customers for _ in range(each.sockets)])
        await quiet_devices(running)
        yield running, sink
    await child.end()
