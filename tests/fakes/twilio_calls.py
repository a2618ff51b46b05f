"""The Calls resource of the double, and the people who are called: what they hear, and which keys they press.

A call that nobody plays stays queued. `play(sid, person)` lets a person be called; `answer_with(number, person, …)`
does so for the next calls to a number as soon as they are accepted. A playing call posts its status callbacks,
fetches the TwiML from the call's own address and carries it out as Twilio does: a key counts only inside a Gather.
"""

import asyncio
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import parse_qsl

from aiohttp import web

from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_account import API, HookAnswer, TwilioAccount, callback_fault
from tests.fakes.twilio_behaviours import ACCEPT, Behaviour, Stopping, behave, error
from tests.fakes.twilio_messages import NUMBER_INVALID
from tests.fakes.twilio_people import OVER, Conversation, Person, PlacedCall, call_form

EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}  # else: completed


class TwilioCalls:
    """The calls of one account. `accepted` is the oracle of calls made twice, by number."""

    def __init__(self, account: TwilioAccount, stopping: Stopping) -> None:
        self.accepted: defaultdict[str, list[PlacedCall]] = defaultdict(list)
        self.cancel_requests = 0
        self.deleted: set[str] = set()
        self._account = account
        self._stopping = stopping
        self._scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._people: defaultdict[str, deque[Person]] = defaultdict(deque)
        self._playing: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """Return the resource's routes."""
        calls = f"/{API}/Accounts/{{account}}/Calls"
        return [
            web.post(f"{calls}.json", self._create),
            web.get(f"{calls}.json", self._list),
            web.get(f"{calls}/{{sid}}.json", self._fetch),
            web.post(f"{calls}/{{sid}}.json", self._update),
            web.delete(f"{calls}/{{sid}}.json", self._delete),
        ]

    def script(self, number: str, *behaviours: Behaviour) -> None:
        """Answer the next create requests for calls to `number` so, one each; after the last, accept."""
        self._scripts[number].extend(behaviours)

    def answer_with(self, number: str, *people: Person) -> None:
        """Play the next calls to `number` with these people, one each, as soon as they are accepted."""
        self._people[number].extend(people)

    async def play(self, sid: str, person: Person) -> PlacedCall:
        """Let a call run from ringing to its end, and return it."""
        call = self.the_call(sid)
        await self._report(call, "initiated")
        await self._report(call, "ringing")
        if call.status in OVER:
            return call
        if person.ends:
            await self._report(call, person.ends)
            return call
        await self._report(call, "in-progress")
        await Conversation(self._account, call, person).run()
        if call.status not in OVER:
            await self._report(call, "completed")
        return call

    async def wait_for_accepted(self, number: str, count: int = 1) -> list[PlacedCall]:
        """Return the calls to `number` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.accepted[number]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.accepted[number]

    async def settled(self) -> None:
        """Return when no call is being played any more."""
        while self._playing:
            await asyncio.gather(*self._playing)

    async def stop(self) -> None:
        """Break off what is being played."""
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)

    def the_call(self, sid: str) -> PlacedCall:
        """Return one call."""
        found = self._find(sid)
        assert found is not None, f"no call {sid}"
        return found

    async def send_status(
        self, sid: str, status: str, *, sequence: int = 0, sign_with: str | None = None
    ) -> HookAnswer | None:
        """Post a status callback of a call without changing it; None when the call asked for none."""
        call = self.the_call(sid)
        url = call.form.get("StatusCallback")
        if url is None:
            return None
        form = self._form(call, status) | {
            "CallbackSource": "call-progress-events", "SequenceNumber": str(sequence),
            "Timestamp": format_datetime(self._account.clock.now()),
        }  # fmt: skip
        if status in OVER:
            form |= {"CallDuration": "12" if status == "completed" else "0", "SipResponseCode": "200"}
        call.callbacks.append(status)
        return await self._account.post(url, form, sign_with)

    async def _report(self, call: PlacedCall, status: str) -> None:
        if call.status in OVER:
            return
        call.status = "queued" if status == "initiated" else status
        if EVENTS.get(status, "completed") in call.events:
            await self.send_status(call.sid, status, sequence=len(call.callbacks))

    def _form(self, call: PlacedCall, status: str) -> dict[str, str]:
        return call_form(self._account, call) | {"CallStatus": status, "Caller": call.sender, "Called": call.to}

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if not self._account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        pairs = await request.text()
        events = tuple(value for name, value in parse_qsl(pairs) if name == "StatusCallbackEvent")
        form = dict(parse_qsl(pairs, keep_blank_values=True))
        to = form.get("To", "")
        fault = _find_fault(form)
        if fault is not None:
            return fault
        script = self._scripts[to]
        return await behave(
            script.popleft() if script else ACCEPT,
            request,
            lambda: self._describe(self._accept(form, events)),
            self._stopping,
        )

    def _accept(self, form: Mapping[str, str], events: tuple[str, ...]) -> PlacedCall:
        call = PlacedCall(
            sid="CA" + uuid.uuid4().hex,
            to=form["To"],
            sender=form["From"],
            created_at=self._account.clock.now(),
            form=form,
            events=events or ("completed",),
        )
        self.accepted[call.to].append(call)
        self._arrived.set()
        people = self._people[call.to]
        if people:
            task = asyncio.create_task(self._play_soon(call.sid, people.popleft()), name=f"call {call.sid}")
            self._playing.add(task)
            task.add_done_callback(self._playing.discard)
        return call

    async def _play_soon(self, sid: str, person: Person) -> None:
        await self.play(sid, person)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        """Cancel a call that waits or rings, or end one that is spoken in."""
        if not self._account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        call = self._find(request.match_info["sid"])
        if call is None:
            return error(20404, 404, "not found")
        wanted = dict(parse_qsl(await request.text())).get("Status")
        self.cancel_requests += 1
        script = self._scripts[call.sid]
        if script:
            return await behave(script.popleft(), request, lambda: self._describe(call), self._stopping)
        if call.status in OVER:
            return error(21220, 400, "Invalid call state")
        if wanted == "canceled" and call.status in {"queued", "ringing"}:
            await self._report(call, "canceled")
        if wanted == "completed":
            await self._report(call, "completed" if call.status == "in-progress" else "canceled")
        return web.json_response(self._describe(call))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        """Forget a call that is over; the oracle still counts it."""
        if not self._account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        call = self._find(request.match_info["sid"])
        if call is None or call.sid in self.deleted:
            return error(20404, 404, "not found")
        if call.status not in OVER:
            return error(20009, 409, "Cannot delete this call because it is still in progress.")
        self.deleted.add(call.sid)
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        everything = [call for calls in self.accepted.values() for call in calls]
        wanted = [
            call
            for call in sorted(everything, key=lambda each: each.created_at, reverse=True)
            if request.query.get("To", call.to) == call.to and request.query.get("From", call.sender) == call.sender
        ][: int(request.query.get("PageSize", "50"))]
        page = {"page": 0, "page_size": 50, "start": 0, "end": len(wanted), "uri": request.path_qs}
        pages = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response({"calls": [self._describe(each) for each in wanted], **page, **pages})

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if not self._account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        call = self._find(request.match_info["sid"])
        return web.json_response(self._describe(call)) if call else error(20404, 404, "not found")

    def _find(self, sid: str) -> PlacedCall | None:
        return next((each for calls in self.accepted.values() for each in calls if each.sid == sid), None)

    def _describe(self, call: PlacedCall) -> dict[str, object]:
        created = format_datetime(call.created_at.astimezone(UTC))
        uri = f"/{API}/Accounts/{self._account.sid}/Calls/{call.sid}"
        return {
            "account_sid": self._account.sid, "answered_by": None, "api_version": API, "date_created": created,
            "date_updated": created, "direction": "outbound-api", "duration": None, "end_time": None,
            "from": call.sender, "from_formatted": call.sender, "price": None, "price_unit": "USD",
            "queue_time": "0", "sid": call.sid, "start_time": None, "status": call.status, "to": call.to,
            "to_formatted": call.to, "subresource_uris": {}, "uri": f"{uri}.json",
        }  # fmt: skip


def _find_fault(form: Mapping[str, str]) -> web.Response | None:
    if not form.get("To"):
        return error(21201, 400, "No 'To' number is specified")
    if not form.get("From"):
        return error(21213, 400, "No 'From' number is specified")
    if form["To"] == NUMBER_INVALID:
        return error(21217, 400, "Phone number does not appear to be valid")
    if not form["From"].startswith("+"):
        return error(21212, 400, "Invalid 'From' Phone Number")
    if not (form.get("Url") or form.get("Twiml")):
        return error(21205, 400, "Url parameter is required.")
    return callback_fault(form, "Url", "StatusCallback")
