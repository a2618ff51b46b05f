"""People at the portal's door, in a process of their own: strangers with wrong passwords, and one who is signed in."""

import asyncio
import json
import sys
from time import perf_counter
from typing import Any

import aiohttp

_TOO_MANY = 429


async def _visit(job: dict[str, Any]) -> dict[str, Any]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(job["origin"], connector=connector) as http, asyncio.TaskGroup() as tasks:
        strangers = [
            tasks.create_task(_wrong(http, number, number / job["rate"]))
            for number in range(round(job["rate"] * job["seconds"]))
        ]
        known = [
            tasks.create_task(_signed_in(http, job["token"], number / job["signed_in_rate"]))
            for number in range(round(job["signed_in_rate"] * job["seconds"]))
        ]
    statuses = [each.result() for each in strangers]
    return {
        "tried": len(statuses),
        "checked": sum(status != _TOO_MANY for status in statuses),
        "told_to_wait": sum(status == _TOO_MANY for status in statuses),
        "signed_in_s": [each.result() for each in known],
    }


async def _wrong(http: aiohttp.ClientSession, number: int, after_s: float) -> int:
    await asyncio.sleep(after_s)
    wish = {"username": f"stranger{number}@example.org", "password": "surely not the right words"}
    headers = {"X-Forwarded-For": f"198.51.{number // 250 % 250}.{number % 250}"}
    async with http.post("/api/v1/tokens", json=wish, headers=headers) as answer:
        return answer.status


async def _signed_in(http: aiohttp.ClientSession, token: str, after_s: float) -> float:
    await asyncio.sleep(after_s)
    began = perf_counter()
    async with http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}) as answer:
        await answer.read()
        answer.raise_for_status()
    return perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_visit(json.loads(sys.stdin.readline())))), flush=True)
