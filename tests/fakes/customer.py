"""A customer of the cloud: a browser's API, a telephone at the Twilio double and a mailbox at the mail sink."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp

from tests.fakes.patience import PATIENCE_S
from tests.fakes.smtp_server import TakenMail
from tests.fakes.whole_cloud import Made, WholeCloud, eventually

PASSWORD = "three quiet herons"
EVERYTHING = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
_TOKEN = re.compile(r"[?&]token=([A-Za-z0-9_\-]+)")
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")

Json = Any  # what an API answered is looked at, not typed


def text_of(mail: TakenMail) -> str:
    """Return the plain text of a mail."""
    body = mail.parsed.get_body(("plain",))
    assert body is not None, "a mail without plain text"
    content: str = body.get_content()
    return content


class Customer:
    """Uses nothing but the public API and what reaches phone and mailbox; `secrets` collects what was secret then."""

    def __init__(
        self,
        cloud: WholeCloud,
        *,
        email: str = "owner@example.org",
        password: str = PASSWORD,
        name: str = "",
    ) -> None:
        self._cloud = cloud
        self.email, self.password, self.name = email, password, name
        self.secrets: list[str] = [password]
        self._http: aiohttp.ClientSession | None = None
        self._bearer = ""

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        await self._http.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int | tuple[int, ...] = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Return what the API answered to a request below `/api/v1`, None for no body; the status is looked at."""
        assert self._http is not None
        sent = {**({"Authorization": f"Bearer {self._bearer}"} if self._bearer else {}), **(headers or {})}
        async with self._http.request(method, f"{self._cloud.origin}/api/v1{path}", json=body, headers=sent) as answer:
            said = await answer.text()
            expected = (expect,) if isinstance(expect, int) else expect
            assert answer.status in expected, f"{method} {path}: {answer.status} {said[:500]}"
            return await answer.json(content_type=None) if said else None

    async def fetch(self, path: str) -> bytes:
        """Return what the API gave to be kept as a file."""
        assert self._http is not None
        headers = {"Authorization": f"Bearer {self._bearer}"}
        async with self._http.get(f"{self._cloud.origin}/api/v1{path}", headers=headers) as answer:
            assert answer.status == 200, f"{path}: {answer.status}"
            return await answer.read()

    async def register_and_sign_in(self) -> None:
        """Become a customer as anybody does: ask, follow the link in the mail, sign in."""
        wish = {"username": self.email, "password": self.password, "name": self.name, "time_zone": "Europe/London"}
        await self.ask("POST", "/accounts", wish, expect=202)
        mails = await self._cloud.mail.wait_for_mail(self.email)
        found = _TOKEN.search(text_of(mails[-1]))
        assert found is not None, "no link in the mail"
        self.secrets.append(found.group(1))
        await self.ask("POST", "/accounts/activate", {"token": found.group(1)})
        await self.sign_in()

    async def sign_in(self) -> None:
        """Get new tokens."""
        tokens = await self.ask("POST", "/tokens", {"username": self.email, "password": self.password})
        self._bearer = tokens["access_token"]
        self.secrets += [tokens["access_token"], tokens["refresh_token"]]

    async def claim(self, made: Made, name: str | None = None) -> Json:
        """Make a device one's own with the code from its label."""
        wish = {"device_id": made.device_id, "claim_code": made.claim_code, "name": name}
        return await self.ask("POST", "/devices/claim", wish, expect=201)

    async def set(self, made: Made, **settings: object) -> Json:
        """Change settings of a device."""
        return await self.ask("PATCH", f"/devices/{made.device_id}/settings", settings)

    async def add_contact(self, name: str, *, phone: str | None = None, email: str | None = None) -> Json:
        """Enter somebody who then types in the codes that reach them; return the verified contact."""
        given = {key: value for key, value in (("phone", phone), ("email", email)) if value is not None}
        contact = await self.ask("POST", "/contacts", {"name": name, "roles": ["alarm"], **given}, expect=201)
        for channel, address in (("sms", phone), ("email", email)):
            if address is not None:
                contact = await self._verify(contact["id"], channel, address)
        return contact

    async def _verify(self, contact_id: str, channel: str, address: str) -> Json:
        texts = await eventually(self._texts_to(address), bool, f"a code reaches the {channel} address")
        code = _CODE.findall(texts[-1])
        assert len(code) == 1, "a text with a code has one run of six digits"
        self.secrets += code
        return await self.ask("POST", f"/contacts/{contact_id}/verify", {"channel": channel, "code": code[0]})

    def _texts_to(self, address: str) -> Callable[[], Any]:
        async def look() -> list[str]:
            sms = [each.body for each in self._cloud.twilio.accepted[address]]
            mails = [text_of(each) for each in self._cloud.mail.accepted[address]]
            return [text for text in (*sms, *mails) if _CODE.search(text)]

        return look

    async def incidents(self, made: Made | None = None, state: str | None = None) -> list[Json]:
        """Return all incidents, or those of a device, or in a state."""
        asked = [f"device_id={made.device_id}"] if made else []
        asked += [f"state={state}"] if state else []
        return await self._all_items("/incidents", asked)

    async def incident(self, incident_id: str) -> Json:
        """Return one incident with its timeline."""
        return await self.ask("GET", f"/incidents/{incident_id}")

    async def the_incident(self, made: Made, cause: str, holds: Callable[[Json], object] = bool) -> Json:
        """Return the only incident of this cause at this device, once there is one and it holds."""

        async def look() -> list[Json]:
            return [each for each in await self.incidents(made) if each["cause"] == cause]

        def fits(found: list[Json]) -> object:
            assert len(found) <= 1, f"{cause} was raised {len(found)} times"
            return found and holds(found[0])

        (found,) = await eventually(look, fits, f"{cause} as expected")
        return found

    async def history(self, made: Made, name: str) -> list[Json]:
        """Return every raw value of one field that the device reported, the oldest first."""
        values: list[Json] = []
        query = "&".join(f"{key}={value}" for key, value in EVERYTHING.items())
        cursor = ""
        while True:
            path = f"/devices/{made.device_id}/history?step=raw&fields={name}&{query}{cursor}"
            page = await self.ask("GET", path)
            values += page["fields"].get(name, [])
            if page["next"] is None:
                return values
            cursor = f"&cursor={page['next']}"

    async def open_page(self, address: str) -> str:
        """Return what somebody sees who follows a link without being signed in."""
        assert self._http is not None
        async with self._http.get(address) as answer:
            assert answer.status < 500, address
            return await answer.text()

    async def _all_items(self, path: str, asked: list[str]) -> list[Json]:
        items: list[Json] = []
        cursor: list[str] = []
        while True:
            page = await self.ask("GET", f"{path}?{'&'.join([*asked, 'limit=200', *cursor])}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = [f"cursor={page['next']}"]
