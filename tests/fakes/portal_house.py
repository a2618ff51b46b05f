"""A whole portal on memory stores with a clock moved by hand, and a mailbox to read what it would send."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from isocket.domain.accounts import Account, AccountRole, Session, StaffRole
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.storage.keyring import Keyring, MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.shelf import Shelf
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from portal_api.app import ROUTES, portal_app
from portal_api.passwords import Passwords
from portal_api.portal import PORTAL, CopyHeld, NoteErasure, Portal, PortalSettings
from portal_api.routes import AnyRoute
from tests.fakes.clock import ManualClock
from tests.fakes.quick_passwords import QuickPasswords
from tests.fakes.stand_ins import nothing_is_held, nothing_is_noted

PUBLIC_URL = "http://cloud.example.org"
PASSWORD = "four words in a row"
OTHER_PASSWORD = "five other words and more"
PEPPER = b"p" * 48
_TOKEN = re.compile(r"[?&]token=([A-Za-z0-9_\-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalHouse:
    """A running portal and its parts."""

    client: TestClient[Any, Any]
    records: Records
    telemetry: Telemetry
    clock: ManualClock
    passwords: Passwords
    portal: Portal

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **more: Any
    ) -> ClientResponse:
        """Ask the API (`path` below /api/v1), signed in with `token` if given."""
        await self.clock.advance(0.001)  # so that what is asked later is later
        headers = {**more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            more["json"] = body
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def does(self, token: str, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Ask for what is granted; return what is said."""
        answer = await self.ask(method, path, body, token=token, **more)
        assert answer.status < 300, f"{method} {path}: {await answer.text()}"
        return await answer.json() if answer.content_type == "application/json" else None

    async def mails(self, address: str) -> list[Delivery]:
        """Return what waits to be sent to `address`, oldest first."""
        due = await self.records.find(Delivery, is_("state", DeliveryState.DUE), order_by="created_at")
        return [each for each in due if each.address == address]

    async def link_token(self, address: str) -> str:
        """Return the token in the newest link mailed to `address`."""
        tokens = [found for each in await self.mails(address) for found in _TOKEN.findall(each.text)]
        return str(tokens[-1])

    async def account(self, username: str) -> Account:
        """Return the stored account with this address."""
        (found,) = await self.records.find(Account, is_("email", username))
        return found

    async def register(self, username: str, password: str = PASSWORD, **profile: str) -> None:
        """Open an account, through the mailbox."""
        asked = await self.ask("POST", "/accounts", {"username": username, "password": password, **profile})
        assert asked.status == 202, await asked.text()
        opened = await self.ask("POST", "/accounts/activate", {"token": await self.link_token(username)})
        assert opened.status == 200, await opened.text()

    async def sign_in(self, username: str, password: str = PASSWORD) -> dict[str, Any]:
        """Return the tokens of a new session."""
        answer = await self.ask("POST", "/tokens", {"username": username, "password": password})
        assert answer.status == 200, await answer.text()
        tokens: dict[str, Any] = await answer.json()
        return tokens

    async def staff(self, username: str, *roles: StaffRole) -> str:
        """Open an account for a member of staff who shows a second factor; return an access token for it."""
        token = await self.customer(username)
        account = await self.account(username)
        await self.records.change_one(Account, is_("id", account.id), role=AccountRole.STAFF, staff_roles=roles)
        await self.records.change_all(Session, is_("account_id", account.id), second_factor=True)
        return token

    async def customer(self, username: str, **profile: str) -> str:
        """Open an account and return an access token for it."""
        await self.register(username, **profile)
        return str((await self.sign_in(username))["access_token"])


@asynccontextmanager
async def portal_house(
    *,
    records: Records | None = None,
    routes: Sequence[AnyRoute] = ROUTES,
    ready: Callable[[], Awaitable[bool]] | None = None,
    passwords: Passwords | None = None,
    keyring: Keyring | None = None,
    shelf: Shelf | None = None,
    copy_held: CopyHeld = nothing_is_held,
    note_erasure: NoteErasure = nothing_is_noted,
    **settings: Any,
) -> AsyncIterator[PortalHouse]:
    """Run a portal on loopback; `settings` are those of `PortalSettings`."""
    clock, wakeups = ManualClock(), Wakeups()
    records = records or StoredRecords(MemoryDocuments(), wakeups)
    telemetry = MemoryTelemetry(wakeups=wakeups, clock=clock)
    made = passwords or QuickPasswords(pepper=PEPPER)
    app = portal_app(
        records=records,
        telemetry=telemetry,
        clock=clock,
        wakeups=wakeups,
        passwords=made,
        limits_key=PEPPER,
        settings=replace(PortalSettings(public_url=PUBLIC_URL), **settings),
        registry=CollectorRegistry(),
        routes=routes,
        ready=ready,
        keyring=keyring or MemoryKeyring(),
        shelf=shelf or Shelf(Path("/nowhere")),
        copy_held=copy_held,
        note_erasure=note_erasure,
    )
    async with TestClient(TestServer(app)) as client:
        yield PortalHouse(
            client=client, records=records, telemetry=telemetry, clock=clock, passwords=made, portal=app[PORTAL]
        )
    if passwords is None:
        made.close()
