"""What a call says when it is answered, and what its keys do.

The words are asked for by the attempt's opaque id and told to one call only, while it lasts; they say how things
stand at that moment. Each request may come twice: an answer is worked out anew, and what a key does is done once.
"""

from dataclasses import dataclass

from aiohttp import web

from alerts import pausing
from alerts.acknowledging import acknowledge
from alerts.call_outcomes import read_call_receipt
from alerts.readers import reader_of
from alerts.signatures import TwilioSignature
from alerts.signed_forms import Form, twilio_form
from alerts.twiml import asking, asking_once, saying, telling_code
from alerts.wording.spoken import Speech, speech_of
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import KEY_PRESSED, Attempt, Delivery, DeliveryKind, Receipt
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.pauses import STOP_KEY
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_

log = get_logger(__name__)

VOICE_PATH = "/hooks/twilio/voice"
TAKE, STOP = "1", "9"  # any other key: the message again
ASKED_TO_STOP = "stop"


def voice_url(public_url: str, attempt_id: str) -> str:
    """Return the address at which the provider fetches the words of an attempt's call."""
    return f"{public_url.rstrip('/')}{VOICE_PATH}/{attempt_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conversation:
    """One call as far as it has come: to whom, about what, and what was pressed."""

    attempt: Attempt
    delivery: Delivery
    contact: Contact | None
    incident: Incident | None
    key: str
    asked_to_stop: bool

    @property
    def may_hear(self) -> bool:
        """Whether whoever is called is still there and did not stop our messages meanwhile."""
        if self.delivery.contact_id is None or self.contact is None:
            return self.delivery.contact_id is None
        return self.contact.paused_at is None or self.delivery.kind is DeliveryKind.CODE

    @property
    def speech(self) -> Speech:
        return speech_of(self.contact.language if self.contact is not None else "")


class VoiceHooks:
    """Answers Twilio's requests about calls in TwiML; forged ones get 403, those about no call of ours 404."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, signature: TwilioSignature | None) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url
        self._signature = signature

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post(f"{VOICE_PATH}/{{attempt}}", self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        """Say what there is to say, or do what the key asks for and say that."""
        form = await twilio_form(request, self._signature)
        attempt = await self._own_call(request.match_info["attempt"], form)
        conversation = await self._look(attempt, form, asked_to_stop=request.query.get("ask") == ASKED_TO_STOP)
        document = await self._respond(conversation)
        return web.Response(text=document, content_type="text/xml")

    async def _own_call(self, attempt_id: str, form: Form) -> Attempt:
        """Return the attempt, which from now on belongs to this call and to no other."""
        call_id = form.get("CallSid", "")[:64]
        attempt = await self._records.get(Attempt, attempt_id)
        # The answer to our own request may have been lost.
        if attempt is not None and attempt.provider_id is None and call_id:
            attempt = await self._records.change_one(
                Attempt, is_("id", attempt_id), is_("provider_id", None), provider_id=call_id
            ) or await self._records.get(Attempt, attempt_id)
        if attempt is None or not call_id or attempt.provider_id != call_id:
            log.warning("call_unknown", attempt_id=attempt_id[:64])
            raise web.HTTPNotFound
        return attempt

    async def _look(self, attempt: Attempt, form: Form, *, asked_to_stop: bool) -> _Conversation:
        delivery = await self._records.get(Delivery, attempt.delivery_id)
        if delivery is None or delivery.channel is not ChannelKind.VOICE:
            raise web.HTTPNotFound
        return _Conversation(
            attempt=attempt,
            delivery=delivery,
            contact=await reader_of(self._records, delivery),
            incident=await self._records.get(Incident, delivery.incident_id or ""),
            key=form.get("Digits", ""),
            asked_to_stop=asked_to_stop,
        )

    async def _respond(self, call: _Conversation) -> str:
        """Return what is said. What a key asks for comes first: whoever dies after it has left only a note undone."""
        said = await self._heed(call)
        if call.key:
            await self._note_the_key(call)
        return said

    async def _heed(self, call: _Conversation) -> str:
        if call.contact is not None and call.key == STOP:
            return await self._stop(call, call.contact)
        if call.key == TAKE and call.incident is not None and call.contact is not None:
            return await self._take(call, call.incident, call.contact)
        return self._tell(call)

    def _tell(self, call: _Conversation) -> str:
        """Return the message, as far as it is still one for this person and this call is still going on."""
        speech, text = call.speech, call.delivery.text
        over = not call.key and read_call_receipt(call.attempt.receipt, call.delivery.kind).is_final
        if over or not text or not call.may_hear:
            return saying(speech.nothing, speech)
        if call.delivery.kind is DeliveryKind.CODE:
            return telling_code(text, speech.code_keys, speech, action=self._action(call))
        if call.delivery.kind is not DeliveryKind.ALARM or call.incident is None:
            return saying(text, speech, times=2)
        if call.incident.state is IncidentState.CLOSED:
            return saying(f"{text} {speech.over}", speech)
        if _is_anothers(call.incident, call.delivery):
            return saying(f"{text} {speech.taken}", speech)
        if call.incident.state is IncidentState.ACKNOWLEDGED:
            return saying(f"{text} {speech.yours}", speech)
        return asking(text, speech.keys, speech, action=self._action(call))

    async def _take(self, call: _Conversation, incident: Incident, contact: Contact) -> str:
        """Acknowledge as the one who was called, and say what came of it."""
        speech = call.speech
        await acknowledge(self._records, incident.id, by=f"{contact.id} {ChannelKind.VOICE}", clock=self._clock)
        now = await self._records.get(Incident, incident.id)
        if now is None or now.state is IncidentState.CLOSED:
            return saying(speech.over, speech)
        return saying(speech.taken if _is_anothers(now, call.delivery) else speech.yours, speech)

    async def _stop(self, call: _Conversation, contact: Contact) -> str:
        """Ask once more, because a wrong key must not silence somebody for ever; then stop."""
        if not call.asked_to_stop:
            return asking_once(call.speech.stop_asked, call.speech, action=self._action(call, ask=ASKED_TO_STOP))
        await pausing.pause(self._records, contact.id, reason=STOP_KEY, clock=self._clock, public_url=self._public_url)
        return saying(call.speech.stopped, call.speech)

    async def _note_the_key(self, call: _Conversation) -> None:
        """Leave word for `alerts.receipts` that a person was reached, whatever they want."""
        provider_id = call.attempt.provider_id or ""
        pressed = Receipt.of(call.attempt, KEY_PRESSED, provider_id=provider_id, at=self._clock.now())
        await self._records.add_all([pressed])

    def _action(self, call: _Conversation, *, ask: str = "") -> str:
        address = voice_url(self._public_url, call.attempt.id)
        return f"{address}?ask={ask}" if ask else address


def _is_anothers(incident: Incident, delivery: Delivery) -> bool:
    """Whether somebody else than whoever is called has taken it."""
    return incident.state is IncidentState.ACKNOWLEDGED and incident.taken_by[0] != delivery.contact_id
