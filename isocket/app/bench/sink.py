"""A process of its own that stands for the SMS provider: answers like it, and notes when each request arrived."""

import asyncio
import json
import sys
from time import time

from aiohttp import web


class Sink:
    """Takes messages; the arrival times by recipient are printed at the end."""

    def __init__(self) -> None:
        self._arrived: dict[str, list[float]] = {}

    async def create(self, request: web.Request) -> web.Response:
        """Answer as Twilio does on creating a message."""
        at = time()
        form = await request.post()
        to = str(form["To"])
        self._arrived.setdefault(to, []).append(at)
        number = sum(len(each) for each in self._arrived.values())
        body = {"sid": f"SM{number:032x}", "status": "queued", "to": to, "body": str(form.get("Body", ""))}
        return web.json_response(body, status=201)

    async def times(self, _: web.Request) -> web.Response:
        """Return when something arrived for whom."""
        return web.json_response(self._arrived)


async def serve() -> None:
    """Serve on a free port of loopback until standard input ends."""
    sink = Sink()
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", sink.create)
    app.router.add_get("/times", sink.times)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
