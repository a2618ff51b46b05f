"""A process that asks a portal over some connections, as fast as it answers or so many times a second."""

import asyncio
import json
import sys
from collections import Counter
from time import perf_counter
from typing import Any

from isocket.app.bench.figures import percentiles


class Asker:
    """Sends one request again and again, on plain streams: a client that does more would be what is measured."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._request = _request(job)
        self.statuses: Counter[str] = Counter()
        self.took: list[float] = []
        self.bytes_each = 0

    async def ask_for(self, seconds: float, per_s: float) -> None:
        """Ask over one connection until the time is over; with `per_s` no faster than that."""
        reader, writer = await asyncio.open_connection(self._job["host"], self._job["port"])
        until, number, began_all = perf_counter() + seconds, 0, perf_counter()
        while perf_counter() < until:
            if per_s:
                await asyncio.sleep(max(0.0, began_all + number / per_s - perf_counter()))
                number += 1
            began = perf_counter()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
            await reader.readexactly(length)
            self.took.append(perf_counter() - began)
            self.statuses[head[9:12].decode()] += 1
            self.bytes_each = length
        writer.close()


def _request(job: dict[str, Any]) -> bytes:
    body = json.dumps(job["body"]).encode() if "body" in job else b""
    lines = [
        f"{'POST' if body else 'GET'} {job['path']} HTTP/1.1",
        f"Host: {job['host']}:{job['port']}",
        *([f"Content-Type: application/json\r\nContent-Length: {len(body)}"] if body else []),
        *([] if body else [f"Authorization: Bearer {job['token']}"]),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _main() -> None:
    job = json.loads(sys.stdin.readline())
    asker = Asker(job)
    print("ready", flush=True)
    sys.stdin.readline()
    began, many = perf_counter(), job["connections"]
    per_s = job.get("per_s", 0) / many
    await asyncio.gather(*(asker.ask_for(job["seconds"], per_s) for _ in range(many)))
    took = perf_counter() - began
    report = {
        "answers": len(asker.took),
        "per_s": round(len(asker.took) / took),
        "statuses": dict(asker.statuses),
        "bytes": asker.bytes_each,
        **percentiles(asker.took),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
