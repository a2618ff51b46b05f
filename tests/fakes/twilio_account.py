"""Whose double it is: the account that requests must name, and the requests that it makes itself, signed."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urldefrag
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from isocket.kit.clock import Clock, SystemClock
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_behaviours import error

API = "2010-04-01"
USUAL_REPEATS = {"rc": "1", "rp": "ct"}  # without a fragment only a failed connection is repeated, once
REPEAT_WORDS = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What one of our own hooks said to the provider. Status 0: nobody answered at all."""

    status: int
    text: str = ""


@dataclass(slots=True, kw_only=True)
class TwilioAccount:
    """One account: its id, its token and the time at Twilio."""

    sid: str = "AC" + "0" * 32
    token: str = "token-of-the-double"
    clock: Clock = field(default_factory=SystemClock)

    def is_authorised(self, request: web.Request) -> bool:
        """Whether a request carries this account's id and token."""
        expected = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        known = request.match_info["account"] == self.sid
        return known and request.headers.get("Authorization") == f"Basic {expected}"

    async def post(self, url: str, form: Mapping[str, str], sign_with: str | None = None) -> HookAnswer:
        """Post `form` to `url` as Twilio does: signed without the fragment, repeated as the fragment says.

        `sign_with` signs with another token than the account's; "" leaves the signature out.
        """
        target, fragment = urldefrag(url)
        overrides = USUAL_REPEATS | dict(parse_qsl(fragment))
        token = self.token if sign_with is None else sign_with
        headers = {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": str(uuid.uuid4())}
        if token:
            headers["X-Twilio-Signature"] = RequestValidator(token).compute_signature(target, form)
        answer = await _post_once(target, form, headers)
        for _ in range(int(overrides["rc"])):
            if not _is_repeated(answer, overrides["rp"].split(",")):
                break
            answer = await _post_once(target, form, headers)
        return answer


def callback_fault(form: Mapping[str, str], *names: str) -> web.Response | None:
    """Return the error for an address of ours, among these fields, that Twilio would not take."""
    for name in names:
        address, fragment = urldefrag(form.get(name, "http://none"))
        if not address.startswith(("http://", "https://")):
            return error(21609 if name == "StatusCallback" else 21205, 400, f"The '{name}' URL is not a valid URL.")
        if not REPEAT_WORDS.issuperset(dict(parse_qsl(fragment)).get("rp", "all").split(",")):
            return error(11243, 400, "Invalid connection override")
    return None


def read_twiml(text: str) -> ET.Element:
    """Return the root of a TwiML document; ParseError when it is none."""
    return ET.fromstring(text)  # noqa: S314 - what our own hooks wrote


async def _post_once(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> HookAnswer:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)  # Twilio waits 15 s: a slow machine of ours is no failure
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            return HookAnswer(status=answer.status, text=await answer.text())
    except (aiohttp.ClientError, OSError):
        return HookAnswer(status=0)


def _is_repeated(answer: HookAnswer, policy: list[str]) -> bool:
    kind = {0: "ct", 4: "4xx", 5: "5xx"}.get(answer.status // 100)
    return kind is not None and (kind in policy or "all" in policy)
