"""Forms that a provider posts to us: small, and believed only when it signed them."""

from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from alerts.bodies import read_body
from alerts.signatures import SIGNATURE_HEADER, TwilioSignature
from isocket.kit.logs import get_logger

log = get_logger(__name__)

MOST_FIELDS = 200
MAX_BODY_BYTES = 16 * 1024
MAX_STATUS_LENGTH = 32  # what is kept of a word that a provider reports

Form = MultiDictProxy[str]


async def twilio_form(request: web.Request, signature: TwilioSignature | None) -> Form:
    """Return the form of a request that Twilio signed; raise the answer for any other.

    What was signed is the address as we gave it: our public origin, path and query as they came. Of a request that
    nobody signed nothing is read.
    """
    signed = request.headers.get(SIGNATURE_HEADER)
    if signature is not None and signed:
        form = await read_form(request)
        if signature.is_valid(path_qs=request.raw_path, form=form, signature=signed):
            return form
    log.warning("callback_refused", route="twilio")
    raise web.HTTPForbidden


async def read_form(request: web.Request) -> Form:
    """Return a form of any size and number of fields that a provider would send; raise the answer for any other."""
    body = await read_body(request, most=MAX_BODY_BYTES)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:  # more fields than any of the provider's
        log.warning("callback_refused", route=request.path.split("/")[2])
        raise web.HTTPForbidden from None
    return MultiDictProxy(MultiDict(pairs))
