"""A real Chromium without a window, driven over its own debugging socket: as much as a journey needs."""

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_house import PASSWORD

PROGRAM = shutil.which("chromium")
OVERVIEW = "document.title.startsWith('Overview')"
IN_A_BROWSER = pytest.mark.skipif(
    PROGRAM is None, reason="NOTHING WAS TRIED IN A BROWSER: install chromium (apt-get install chromium)"
)
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root, and open nothing but our own pages on loopback
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


GOING = "Inspected target navigated or closed"


class PageGoneError(Exception):
    """The page went while it was asked; the next one may answer."""


class Tab:
    """One tab. Expressions are JavaScript, evaluated in its page."""

    def __init__(self, socket: ClientWebSocketResponse, address: str = "") -> None:
        self._socket = socket
        self._address = address  # of the program's own debugging server
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []  # what the browser wrote to its console as errors
        self.heard: dict[str, dict[str, Any]] = {}  # the last event of each name

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command of the DevTools protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self._socket.receive()
                assert message.type is WSMsgType.TEXT, message
                heard = json.loads(message.data)
                self._note(heard)
                if heard.get("id") == number:
                    if heard.get("error", {}).get("message") == GOING:
                        raise PageGoneError
                    assert "error" not in heard, heard
                    result: dict[str, Any] = heard["result"]
                    return result

    async def value(self, expression: str) -> Any:
        """Return the JSON value of an expression."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Return when an expression is true, in whatever page the tab shows by then."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(PageGoneError):
                    answer = await self.call("Runtime.evaluate", expression=f"!!({expression})", returnByValue=True)
                    if answer["result"].get("value"):
                        return
                await asyncio.sleep(0.03)

    async def open(self, url: str) -> None:
        """Go to an address and wait until the page is there."""
        await self.call("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    async def type_in(self, name: str, text: str) -> None:
        """Type into the visible field of this name, as with a keyboard."""
        await self.value(f"document.querySelector('input[name=\"{name}\"]:not([type=hidden])').select()")
        await self.call("Input.insertText", text=text)

    async def press(self, selector: str, then: str) -> None:
        """Click on an element and wait until `then`, untrue so far, is true on the page that follows."""
        assert not await self.value(f"!!({then})"), f"true before anything was pressed: {then}"
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")
        await self.until(f"document.readyState === 'complete' && ({then})")

    async def sign_in(self, username: str, then: str = OVERVIEW) -> None:
        """Fill in and send the page on which one signs in, which the tab shows, with everybody's password here."""
        await self.type_in("username", username)
        await self.type_in("password", PASSWORD)
        await self.press("main button.main", then)

    async def be_wide(self, width: int) -> None:
        """Show pages in a window of so many CSS pixels."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator["Tab"]:
        """Speak to the one service worker that runs."""
        async with ClientSession() as http:
            async with http.get(f"{self._address}/json/list") as answer:
                (found,) = [each for each in await answer.json() if each["type"] == "service_worker"]
            async with http.ws_connect(found["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket, self._address)

    async def text(self) -> str:
        """Return what a person reads on the page."""
        return str(await self.value("document.body.innerText"))

    async def picture(self, file: Path) -> None:
        """Write a picture of the whole page."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def _note(self, heard: dict[str, Any]) -> None:
        if "method" in heard:
            self.heard[heard["method"]] = heard.get("params", {})
        entry = heard.get("params", {}).get("entry", {}) if heard.get("method") == "Log.entryAdded" else {}
        if entry.get("level") == "error":
            self.complaints.append(str(entry.get("text")))


@asynccontextmanager
async def chromium_tab(folder: Path, *, script: bool = True) -> AsyncIterator[Tab]:
    """Run a Chromium with an empty profile below `folder`; without `script` its pages run none."""
    assert PROGRAM is not None
    profile = folder / "profile"
    program = await asyncio.create_subprocess_exec(
        PROGRAM,
        *_SWITCHES,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with ClientSession() as http:
            address = f"http://127.0.0.1:{port}"
            async with http.get(f"{address}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with http.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket, address)
                for domain in ("Page", "Log"):
                    await tab.call(f"{domain}.enable")
                if not script:
                    await tab.call("Emulation.setScriptExecutionDisabled", value=True)
                yield tab
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while not (file.exists() and file.read_text()):  # noqa: ASYNC110 - another program writes it
            await asyncio.sleep(0.03)
    return int(file.read_text().splitlines()[0])
