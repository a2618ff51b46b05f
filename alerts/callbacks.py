"""Where providers tell us what became of a message and hand us the replies; unsigned, nothing is believed.

The pages behind the links in alarm mails are mounted with them.
"""

from aiohttp import web

from alerts import incident_page, push_hooks, push_subscribing, unsubscribing
from alerts.replies import ANSWERED_BY_TWILIO, Replies
from alerts.signatures import TwilioSignature
from alerts.signed_forms import MAX_STATUS_LENGTH, Form, twilio_form
from alerts.twiml import texting
from alerts.voice_hooks import VoiceHooks
from isocket.domain.deliveries import Attempt, Receipt
from isocket.kit.clock import Clock
from isocket.storage.port import Records

STATUS_PATH = "/hooks/twilio/status"
INBOUND_PATH = "/hooks/twilio/inbound"


def status_callback(public_url: str, attempt_id: str) -> str:
    """Return the address at which the provider reports on an attempt."""
    return f"{public_url.rstrip('/')}{STATUS_PATH}/{attempt_id}"


def routes(
    *,
    records: Records,
    clock: Clock,
    public_url: str,
    signature: TwilioSignature | None,
    push_key: str = "",
    loopback: bool = False,
) -> list[web.RouteDef]:
    """Return the routes for callbacks. Without `signature` (no Twilio account) every callback answers 403.

    `push_key` is what browsers subscribe to; with `loopback` their push service may be on this machine.
    """
    hooks = _TwilioHooks(records=records, clock=clock, public_url=public_url, signature=signature)
    calls = VoiceHooks(records=records, clock=clock, public_url=public_url, signature=signature)
    return [
        web.post(f"{STATUS_PATH}/{{attempt}}", hooks.status),
        web.post(INBOUND_PATH, hooks.inbound),
        *calls.routes(),
        *incident_page.routes(records=records, clock=clock, push_key=push_key),
        *push_hooks.routes(records=records, clock=clock, public_url=public_url),
        *push_subscribing.routes(records=records, clock=clock, loopback=loopback),
        *unsubscribing.routes(records=records, clock=clock, public_url=public_url),
    ]


class _TwilioHooks:
    def __init__(self, *, records: Records, clock: Clock, public_url: str, signature: TwilioSignature | None) -> None:
        self._records = records
        self._clock = clock
        self._signature = signature
        self._replies = Replies(records=records, clock=clock, public_url=public_url, answered=ANSWERED_BY_TWILIO)

    async def status(self, request: web.Request) -> web.Response:
        """Store a receipt; the worker of `alerts.receipts` reads it. 204, 403 forged, 404 no such attempt."""
        form = await twilio_form(request, self._signature)
        attempt = await self._records.get(Attempt, request.match_info["attempt"])
        if attempt is None:
            raise web.HTTPNotFound
        await self._records.add_all([self._receipt(attempt, form)])
        return web.Response(status=204)

    async def inbound(self, request: web.Request) -> web.Response:
        """Heed a text message that somebody sent us, and answer it in the sender's language."""
        form = await twilio_form(request, self._signature)
        answer = await self._replies.heed(form.get("From", ""), form.get("Body", ""))
        return web.Response(text=texting(answer), content_type="text/xml")

    def _receipt(self, attempt: Attempt, form: Form) -> Receipt:
        said = form.get("MessageStatus") or form.get("SmsStatus") or form.get("CallStatus") or ""
        code = form.get("ErrorCode", "")
        return Receipt.of(
            attempt,
            said[:MAX_STATUS_LENGTH],
            provider_id=(form.get("MessageSid") or form.get("CallSid") or "")[:64],
            at=self._clock.now(),
            error_code=int(code[:9]) if code.isascii() and code.isdigit() else None,
        )
