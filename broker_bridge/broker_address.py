"""Where the broker is and who we are there."""

import asyncio
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

ANSWERS_WITHIN_S = 3.0


class BrokerUrlError(ValueError):
    """The broker's address is not one we can use; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where a broker listens, and the login in its URL."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Return the address in `mqtt://[user:secret@]host[:port]` or `mqtts://…`.

        Raises:
            BrokerUrlError: another scheme, or no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BrokerUrlError(
                "the broker's address must look like mqtt://host:1883 or mqtts://user:secret@host:8883"
            )
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def answers(self) -> bool:
        """Return whether somebody listens there."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                await writer.wait_closed()
        except OSError:  # TimeoutError is one
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account at the broker and the session to take up; one connection a client id."""

    username: str | None
    password: str | None
    client_id: str
