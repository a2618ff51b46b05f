"""Asking back about a request by right, and noting what was answered. The time for our own answer goes on meanwhile."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from isocket.domain.question_letters import question_mail
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import OPEN, RequestChannel, RequestState, RightsRequest
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api.models import Body, Instant, Page, View
from portal_api.privacy_requests import Words
from portal_api.problem import Problem, fault, not_now
from portal_api.request_mail import letter_to
from portal_api.routes import AnyRoute, Call
from portal_api.staff_request_files import looks_at
from portal_api.staff_routes import begun, named, privacy_route

log = get_logger(__name__)
_LEAST = 10


class Question(Body):
    """What we want to know, in words for whoever asked. It goes out by mail."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "Which of your sockets do you mean?"}]})

    words: Annotated[Words, Field(min_length=_LEAST)]


class Answered(Body):
    """What was answered, and by which way it came."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "The one at the cabin.", "channel": "mail"}]})

    words: Annotated[Words, Field(min_length=1)]
    channel: Annotated[RequestChannel, Field(strict=False)]


class NoteView(View):
    """One question, answer, or what was done for the request."""

    id: str
    kind: NoteKind
    channel: RequestChannel
    words: str
    by: str
    at: Instant


async def show(call: Call[None, None]) -> Page[NoteView]:
    """Show what was asked back about a request, and what was answered, the oldest first: all of it on one page."""
    return await _notes(call, await named(call, RightsRequest, "request_id"))


async def ask(call: Call[Question, None]) -> Page[NoteView] | Problem:
    """Ask whoever made a request something. Their mailbox has to have answered before: a stranger is asked nothing."""
    request = await named(call, RightsRequest, "request_id")
    if request.state not in OPEN:
        return not_now("It is decided.")
    if not request.email or request.state is RequestState.IDENTITY_ASKED:
        return not_now("There is no mailbox that has answered: ask by letter.")
    note = _note(call, request, NoteKind.QUESTION, RequestChannel.MAIL, call.body.words)
    settings = call.portal.settings
    letter = question_mail(
        request.language,
        note.words,
        request_id=request.id,
        due_at=request.due_at,
        controller=settings.controller,
        office=settings.office,
    )
    note = await begun(call, note)
    await call.records.add_all([letter_to(request, letter, key=note.id, now=note.at)])
    log.info("request_asked_back", request_id=request.id)
    return await _notes(call, request)


async def note_answer(call: Call[Answered, None]) -> Page[NoteView] | Problem:
    """Note what was answered, and how it came."""
    request, given = await named(call, RightsRequest, "request_id"), call.body
    if given.channel is RequestChannel.FORM:
        return fault("channel", "What comes by the form is not typed in: `letter`, `telephone` or `mail`.")
    await begun(call, _note(call, request, NoteKind.ANSWER, given.channel, given.words))
    return await _notes(call, request)


def _note(
    call: Call[Any, Any], request: RightsRequest, kind: NoteKind, channel: RequestChannel, words: str
) -> RequestNote:
    return RequestNote(
        id=call.new_id("rqn"),
        request_id=request.id,
        account_id=request.account_id,
        kind=kind,
        channel=channel,
        words=words,
        by=call.account.id,
        at=call.clock.now(),
    )


async def _notes(call: Call[Any, Any], request: RightsRequest) -> Page[NoteView]:
    """Return what there is; first it is noted that staff look at it, for whose it is."""
    await call.records.add_all(looks_at(call, [request], RequestNote.collection))
    found = await call.records.find(RequestNote, is_("request_id", request.id), order_by="at")
    return Page[NoteView](
        next=None,
        items=[
            NoteView(id=each.id, kind=each.kind, channel=each.channel, words=each.words, by=each.by, at=each.at)
            for each in found
        ],
    )


_REQUEST = "/staff/requests/{request_id}"
_NOTES: dict[int, type[Page[NoteView]]] = {200: Page[NoteView]}
ROUTES: tuple[AnyRoute, ...] = (
    privacy_route("GET", f"{_REQUEST}/notes", show, "Questions and answers about a request", answers=_NOTES),
    privacy_route(
        "POST",
        f"{_REQUEST}/questions",
        ask,
        "Ask back about a request",
        body=Question,
        answers=_NOTES,
        problems=(409,),
    ),
    privacy_route("POST", f"{_REQUEST}/answers", note_answer, "Note what was answered", body=Answered, answers=_NOTES),
)
