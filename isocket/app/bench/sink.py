"""A process of its own that stands for the SMS provider: answers like it, and notes when each request was there.

It speaks the little HTTP/1.1 that this takes by hand: it shares the cores with what is measured, and a web framework
would be on each alarm's clock before it says that there is a request.
"""

import asyncio
import json
import re
import sys
from time import time
from urllib.parse import parse_qs

HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)


class Sink:
    """What arrived, and how many messages that were."""

    def __init__(self) -> None:
        self.arrived: dict[str, list[float]] = {}
        self._messages = 0

    def answer(self, request: bytes, body: bytes, at: float) -> bytes:
        """Return the answer: to a message as Twilio does on creating one, else when something arrived for whom."""
        if not request.startswith(b"POST "):
            return _said(200, self.arrived)
        form = parse_qs(body.decode())
        to = form["To"][0]
        self.arrived.setdefault(to, []).append(at)
        self._messages += 1
        text = form.get("Body", [""])[0]
        return _said(201, {"sid": f"SM{self._messages:032x}", "status": "queued", "to": to, "body": text})


class Caller(asyncio.Protocol):
    """One connection, on which requests come one after another."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream, as servers make them
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is there as a whole."""
        at = time()
        self._unread += data
        while HEAD_ENDS in self._unread:
            head, _, rest = self._unread.partition(HEAD_ENDS)
            said = _LENGTH.search(head)
            length = int(said.group(1)) if said else 0
            if len(rest) < length:
                return
            self._unread = rest[length:]
            if self._transport is not None:
                self._transport.write(self._sink.answer(head, rest[:length], at))


def _said(status: int, body: object) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


async def serve() -> None:
    """Serve on a free port of loopback until standard input ends."""
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Caller(sink), "127.0.0.1", 0)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
