"""The portal's door: one aiohttp application on one address."""

import asyncio
import errno
from collections.abc import Callable

from aiohttp import web

from isocket.app.addresses import HostPort
from portal_api.door import Door

GRACE_S = 5.0


class PortalStartError(RuntimeError):
    """The portal cannot listen; the message says what to do."""


class HttpServer:
    """Serves an application; aiohttp's own access log, which shows paths and addresses, is off."""

    def __init__(self, app: web.Application, *, address: HostPort, close: Callable[[], None]) -> None:
        self._runner = web.AppRunner(app, shutdown_timeout=GRACE_S, handle_signals=False)
        self._address = address
        self._close = close
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Return when requests are accepted.

        Raises:
            PortalStartError: the address is taken, or is not ours.
        """
        await self._runner.setup()
        server, loop = self._runner.server, asyncio.get_running_loop()
        if server is None:
            raise RuntimeError("a runner that is set up has a server")

        def connection() -> Door:
            return Door(server, loop=loop)

        try:
            self._listening = await loop.create_server(connection, self._address.host, self._address.port, backlog=128)
        except OSError as error:
            await self._end()
            raise PortalStartError(_explained(error, self._address)) from error

    @property
    def port(self) -> int:
        """Return the port on which it listens; the one that was found where any would do."""
        sockets = () if self._listening is None else self._listening.sockets
        return int(sockets[0].getsockname()[1]) if sockets else self._address.port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; requests under way are answered first."""
        await stop.wait()
        await self._end()

    async def _end(self) -> None:
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()
        await asyncio.to_thread(self._close)


def _explained(error: OSError, address: HostPort) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {address.port} of {address.host} is in use: set ISOCKET_HTTP to another address."
    return f"Cannot listen on {address}: {error.strerror or error}. Set ISOCKET_HTTP to an address of this machine."
