"""Logs in to a broker once and leaves: shows that it answers, and wakes a persistent session."""

import asyncio
from collections.abc import Sequence
from enum import IntEnum

from broker_bridge.mosquitto.accounts import BridgeLogin

_CONNECT, _CONNACK, _SUBSCRIBE, _SUBACK, _DISCONNECT = 0x10, 0x20, 0x82, 0x90, b"\xe0\x00"
_USER_AND_PASSWORD = 0xC0
_CLEAN_SESSION = 0x02
_KEEPALIVE_S = 60
_ANSWERS_WITHIN_S = 5.0


class LoginAnswer(IntEnum):
    """What the broker said to a CONNECT (MQTT 3.1.1, table 3.1), the codes met here."""

    ACCEPTED = 0
    BAD_LOGIN = 4
    NOT_AUTHORISED = 5


async def log_in_once(
    host: str,
    port: int,
    login: BridgeLogin | None,
    *,
    topics: Sequence[str] = (),
    clean: bool = False,
) -> LoginAnswer:
    """Open the persistent session of `login`, subscribe it, leave it, and return the broker's answer.

    From then on the broker keeps for the session what is published on `topics`. Without a login it comes as anybody,
    and nothing is kept. `clean` ends the session instead, with all that waits in it.

    Raises `OSError` (also `TimeoutError`) when nobody answers and `ValueError` for what is not MQTT.
    """
    async with asyncio.timeout(_ANSWERS_WITHIN_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(_connect_packet(login, clean=clean))
            answer = await reader.readexactly(4)
            if answer[:2] != bytes((_CONNACK, 2)):
                raise ValueError(f"{host}:{port} does not speak MQTT.")
            if topics and answer[3] == LoginAnswer.ACCEPTED:
                writer.write(_subscribe_packet(topics))
                await _until_subscribed(reader)
            writer.write(_DISCONNECT)
            await writer.drain()
        except asyncio.IncompleteReadError as error:
            raise ConnectionError(f"{host}:{port} closed the connection before it answered.") from error
        finally:
            writer.close()
    return LoginAnswer(answer[3])


def _connect_packet(login: BridgeLogin | None, *, clean: bool) -> bytes:
    flags = _CLEAN_SESSION if login is None else _USER_AND_PASSWORD | (_CLEAN_SESSION if clean else 0)
    body = _text("MQTT") + bytes((4, flags)) + _KEEPALIVE_S.to_bytes(2, "big")
    body += _text("") if login is None else _text(login.name) + _text(login.name) + _text(login.secret)
    return _packet(_CONNECT, body)


def _subscribe_packet(topics: Sequence[str]) -> bytes:
    return _packet(_SUBSCRIBE, b"\x00\x01" + b"".join(_text(topic) + b"\x01" for topic in topics))


async def _until_subscribed(reader: asyncio.StreamReader) -> None:
    """Read over what waited for the session; it is not acknowledged, so it comes again to whoever takes it up."""
    while True:
        kind = (await reader.readexactly(1))[0]
        length = shift = 0
        while True:
            digit = (await reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:  # noqa: PLR2004 - the last digit of a length has no top bit
                break
        await reader.readexactly(length)
        if kind == _SUBACK:
            return


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes((kind, *length)) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
