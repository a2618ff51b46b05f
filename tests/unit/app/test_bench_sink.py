"""The benchmark's provider: a request counts when all of it is there, however it comes."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from isocket.app.bench.sink import Caller, Sink
from tests.fakes.patience import PATIENCE_S

BODY = b"To=%2B447700900001&Body=Alarm"
MESSAGE = b"POST /Messages.json HTTP/1.1\r\nHost: sink\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    """Serve one, and return it with its port."""
    known = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Caller(known), "127.0.0.1", 0)
    async with server:
        yield known, server.sockets[0].getsockname()[1]


async def answers_to(port: int, parts: Sequence[bytes], many: int) -> list[tuple[bytes, dict[str, object]]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            found = []
            for _ in range(many):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
                found.append((head.split(b"\r\n")[0], json.loads(await reader.readexactly(length))))
            return found
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("parts", "many"),
    [
        ([MESSAGE], 1),
        ([MESSAGE[at : at + 1] for at in range(len(MESSAGE))], 1),
        ([MESSAGE + MESSAGE], 2),
        ([MESSAGE + MESSAGE[:40], MESSAGE[40:]], 2),
    ],
)
async def test_each_message_is_answered_once_and_noted(sink: tuple[Sink, int], parts: list[bytes], many: int) -> None:
    known, port = sink
    found = await answers_to(port, parts, many)
    assert [status for status, _ in found] == [b"HTTP/1.1 201 OK"] * many
    assert len({str(said["sid"]) for _, said in found}) == many
    assert len(known.arrived["+447700900001"]) == many


async def test_nothing_is_noted_before_the_last_byte_is_there(sink: tuple[Sink, int]) -> None:
    known, port = sink
    caller = Caller(known)
    caller.data_received(MESSAGE[:-1])
    assert not known.arrived
    caller.data_received(MESSAGE[-1:])
    await answers_to(port, [MESSAGE], 1)
    ((status, times),) = await answers_to(port, [b"GET /times HTTP/1.1\r\nHost: sink\r\n\r\n"], 1)
    assert (status, list(times)) == (b"HTTP/1.1 200 OK", ["+447700900001"])
