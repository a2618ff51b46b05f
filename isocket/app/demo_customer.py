"""The owner's first steps in the demonstration, over the public API as any customer would take them."""

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import available_timezones

import aiohttp

from isocket.app.demo_cast import CUT_EACH_TIME, PHONE, Cast
from isocket.domain.accounts import Account
from isocket.domain.desk import DeskMessage
from isocket.kit.clock import Clock
from isocket.storage.port import Records, above, is_

PATIENCE_S = 15.0
LOOK_EVERY_S = 0.05
CUTS_ARE_NEWS = {"flapping": {"count": None}}
"""Each start of the demonstration begins with a power cut; the fifth within an hour is to be told as the first was."""

_TOKEN = re.compile(r"[?&]token=([A-Za-z0-9_\-]+)")
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


class DemoError(Exception):
    """The demonstration cannot go on; the message says why."""


class Customer:
    """Somebody with a browser, a telephone and a mailbox. What is sent to them lies on the desk."""

    def __init__(self, *, origin: str, cast: Cast, records: Records, clock: Clock) -> None:
        self._api = f"{origin}/api/v1"
        self._cast = cast
        self._records = records
        self._clock = clock
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S))

    async def __aenter__(self) -> Self:
        """Return the customer."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Go."""
        await self._session.close()

    async def settle_in(self) -> bool:
        """Have an account, the five sockets and a telephone that is told; every step is taken once only.

        Return whether the password of the first run still opens the account. Whoever tries the demonstration out may
        have chosen another, or added a second factor: then what they have stays as they left it.

        Raises:
            DemoError: a step was refused.
        """
        if not await self._sign_in():
            if await self._records.find(Account, is_("email", self._cast.owner.username), limit=1):
                return False
            await self._open_account()
            if not await self._sign_in():
                raise DemoError("The demo account opened and does not let its owner in.")
        await self._claim_sockets()
        await self._add_telephone()
        return True

    async def _sign_in(self) -> bool:
        owner = self._cast.owner
        answer = await self._ask(
            "POST", "/tokens", {"username": owner.username, "password": owner.password}, (200, 401)
        )
        if "access_token" not in answer:
            return False
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return True

    async def _open_account(self) -> None:
        owner = self._cast.owner
        zone = await asyncio.to_thread(time_zone)
        wish = {"username": owner.username, "password": owner.password, "name": "Demo", "time_zone": zone}
        asked_at = self._clock.now()
        await self._ask("POST", "/accounts", wish, (202,))
        token = await self._read(_TOKEN, address=owner.username, since=asked_at)
        await self._ask("POST", "/accounts/activate", {"token": token}, (200,))

    async def _claim_sockets(self) -> None:
        owned = {each["id"] for each in (await self._ask("GET", "/devices", None, (200,)))["items"]}
        for socket in self._cast.sockets:
            if socket.device_id not in owned:
                name = self._cast.nicknames[socket.device_id]
                wish = {"device_id": socket.device_id, "claim_code": socket.claim_code, "name": name}
                await self._ask("POST", "/devices/claim", wish, (201,))
                if name == CUT_EACH_TIME:
                    await self._ask("PATCH", f"/devices/{socket.device_id}/settings", CUTS_ARE_NEWS, (200,))

    async def _add_telephone(self) -> None:
        asked_at = self._clock.now()
        contacts = (await self._ask("GET", "/contacts", None, (200,)))["items"]
        mine = next((each for each in contacts if each["phone"] == PHONE), None)
        if mine is None:
            wish = {"name": "Demo telephone", "phone": PHONE, "roles": ["alarm"]}
            mine = await self._ask("POST", "/contacts", wish, (201,))
        elif not mine["phone_verified"]:
            await self._ask("POST", f"/contacts/{mine['id']}/verification", {"channel": "sms"}, (202,))
        if not mine["phone_verified"]:
            code = await self._read(_CODE, address=PHONE, since=asked_at)
            await self._ask("POST", f"/contacts/{mine['id']}/verify", {"channel": "sms", "code": code}, (200,))

    async def _read(self, wanted: re.Pattern[str], *, address: str, since: datetime) -> str:
        """Return what is wanted from the newest message to `address`, waiting for it."""
        while (self._clock.now() - since).total_seconds() < PATIENCE_S:
            messages = await self._records.find(DeskMessage, above("at", since), order_by="at", descending=True)
            for message in messages:
                found = wanted.search(message.text) if message.address == address else None
                if found:
                    return found.group(found.lastindex or 0)
            await self._clock.sleep(LOOK_EVERY_S)
        raise DemoError(f"No message reached {address} within {PATIENCE_S:.0f} s.")

    async def _ask(self, method: str, path: str, body: object, expected: tuple[int, ...]) -> dict[str, Any]:
        async with self._session.request(method, f"{self._api}{path}", json=body) as answer:
            text = await answer.text()
            if answer.status not in expected:
                raise DemoError(f"{method} {path} answered {answer.status}: {text[:300]}")
            read: dict[str, Any] = await answer.json(content_type=None) if text else {}
            return read


def time_zone(link: Path = Path("/etc/localtime")) -> str:
    """Return the name of this machine's time zone, UTC where it does not tell."""
    _, found, name = str(link.resolve()).partition("/zoneinfo/")
    known = name if found and name in available_timezones() else "UTC"
    return known.removeprefix("Etc/") if known.removeprefix("Etc/") in {"UTC", "GMT"} else known
