"""Whether the time of an answer tells who is a customer: known and unknown addresses at the three open doors."""

import asyncio
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import aiohttp
from typer import Option

from isocket.app.bench.figures import machine, percentiles
from isocket.app.bench.stage import HERE, Cloud, Folder, cloud, temporary_folder
from isocket.app.roles import Role
from isocket.app.typed import whole
from isocket.domain.accounts import Account

DOORS = ("/accounts", "/tokens", "/password-resets")
PASSWORD = "surely not the right words"  # noqa: S105 - of nobody


def enumeration(
    samples: Annotated[int, Option(**whole(1, 30_000))] = 300,
    cost: Annotated[int, Option(**whole(10, 16))] = 10,
    folder: Folder = HERE,
) -> None:
    """Ask `samples` times for known and as often for unknown addresses; print times and if chance explains them."""
    print(json.dumps(asyncio.run(_enumeration(samples, cost, folder)), indent=2))


async def _enumeration(samples: int, cost: int, parent: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"bench": "enumeration", "machine": machine(), "samples": samples, "bcrypt_cost": cost}
    more = {"bcrypt_cost": cost, "trusted_proxies": "127.0.0.1/32"}
    async with (
        temporary_folder(parent) as folder,
        cloud(folder, devices=0, wanted=(Role.PORTAL,), **more) as running,
        aiohttp.ClientSession(f"http://{running.settings.http}") as http,
    ):
        await _customers(running, samples)
        for door in DOORS:
            figures[door.strip("/")] = await _at(http, door, samples)
    return figures


async def _customers(running: Cloud, count: int) -> None:
    now = running.house.clock.now()
    accounts = [
        Account(id=f"acc_known{number}", email=_address("known", number), name="Known", created_at=now)
        for number in range(count)
    ]
    await running.house.records.add_all(accounts)


async def _at(http: aiohttp.ClientSession, door: str, samples: int) -> dict[str, Any]:
    """Ask in an order by chance, each from a network address of its own, so that no limit is met."""
    asked = [(who, number) for who in ("known", "unknown") for number in range(samples)]
    random.shuffle(asked)
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for turn, (who, number) in enumerate([("unknown", samples), *asked]):  # the first one warms up
        wish = {"username": _address(who, number)} | ({} if door == DOORS[2] else {"password": PASSWORD})
        headers = {"X-Forwarded-For": f"198.51.{turn // 250}.{turn % 250}"}
        began = perf_counter()
        async with http.post(f"/api/v1{door}", json=wish, headers=headers) as answer:
            await answer.read()
        if turn:
            took[who].append(perf_counter() - began)
    return {
        **{who: percentiles(times) for who, times in took.items()},
        "medians_differ_ms": round((median(took["known"]) - median(took["unknown"])) * 1000, 3),
        "p_of_chance": round(chance(took["known"], took["unknown"]), 4),
    }


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how likely two samples of the same thing differ so much (Mann and Whitney, two-sided, by the normal)."""
    ordered = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, which) in enumerate(ordered, start=1) if which == 0)
    n, m = len(one), len(other)
    above = ranks - n * (n + 1) / 2
    deviation = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(above - n * m / 2) / deviation / math.sqrt(2)) if deviation else 1.0


def _address(who: str, number: int) -> str:
    return f"{who:_<8}{number:05d}@example.org"
