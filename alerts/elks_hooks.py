"""Where 46elks tells us what became of a message and hands us the replies.

It signs nothing, so each address that we give it holds a proof of its own; without a right one, nothing is believed.
"""

from aiohttp import web

from alerts.replies import Replies
from alerts.signatures import AddressProof
from alerts.signed_forms import MAX_STATUS_LENGTH, Form, read_form
from isocket.domain.deliveries import Attempt, Receipt
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records

log = get_logger(__name__)

STATUS_PATH = "/hooks/46elks/status"
INBOUND_PATH = "/hooks/46elks/inbound"
_INBOUND = "inbound"


def status_callback(public_url: str, proof: AddressProof, attempt_id: str) -> str:
    """Return the address at which the provider reports on an attempt, good for that attempt only."""
    return f"{public_url.rstrip('/')}{STATUS_PATH}/{attempt_id}/{proof.of(attempt_id)}"


def inbound_address(public_url: str, proof: AddressProof) -> str:
    """Return the address that an operator gives the number at 46elks for texts that come in."""
    return f"{public_url.rstrip('/')}{INBOUND_PATH}/{proof.of(_INBOUND)}"


def routes(*, records: Records, clock: Clock, public_url: str, proof: AddressProof | None) -> list[web.RouteDef]:
    """Return the routes. Without `proof` (no account at 46elks) every callback answers 403."""
    hooks = _ElksHooks(records=records, clock=clock, public_url=public_url, proof=proof)
    return [
        web.post(f"{STATUS_PATH}/{{attempt}}/{{proof}}", hooks.status),
        web.post(f"{INBOUND_PATH}/{{proof}}", hooks.inbound),
    ]


class _ElksHooks:
    def __init__(self, *, records: Records, clock: Clock, public_url: str, proof: AddressProof | None) -> None:
        self._records = records
        self._clock = clock
        self._proof = proof
        self._replies = Replies(records=records, clock=clock, public_url=public_url)

    async def status(self, request: web.Request) -> web.Response:
        """Store a receipt; the worker of `alerts.receipts` reads it. 204, 403 forged or about no attempt of ours."""
        attempt_id = request.match_info["attempt"]
        form = await self._proved(request, attempt_id)
        attempt = await self._records.get(Attempt, attempt_id)
        if attempt is None:
            raise web.HTTPForbidden
        status = form.get("status", "")[:MAX_STATUS_LENGTH]
        receipt = Receipt.of(attempt, status, provider_id=form.get("id", "")[:64], at=self._clock.now())
        await self._records.add_all([receipt])
        return web.Response(status=204)

    async def inbound(self, request: web.Request) -> web.Response:
        """Heed a text message that somebody sent us; what is answered here, 46elks sends them as a text."""
        form = await self._proved(request, _INBOUND)
        answer = await self._replies.heed(form.get("from", ""), form.get("message", ""))
        return web.Response(text=answer, content_type="text/plain", charset="utf-8")

    async def _proved(self, request: web.Request, subject: str) -> Form:
        """Return the form of a request whose address holds the right proof; raise 403 for any other."""
        if self._proof is None or not self._proof.is_valid(request.match_info["proof"], subject):
            log.warning("callback_refused", route="46elks")
            raise web.HTTPForbidden
        return await read_form(request)
