"""The page of staff on which they ask back about a request by right, and note what was answered."""

from typing import Any

from aiohttp import web

from isocket.domain.accounts import StaffRole
from isocket.domain.requests import RequestChannel
from portal_api import staff_questions
from portal_api.models import Page
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.problem import Problem
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, Route, Surface
from portal_api.staff_pages import LookForm
from portal_api.staff_questions import Answered, NoteView, Question

_PAGE = "staff_questions.html"
WAYS = {
    RequestChannel.MAIL.value: "Mail",
    RequestChannel.TELEPHONE.value: "Telephone",
    RequestChannel.LETTER.value: "Letter",
}


class QuestionForm(Form):
    """What is asked, or what was answered and how it came."""

    act: str = TYPED
    words: str = TYPED
    channel: str = TYPED


async def look(call: Call[LookForm, None]) -> web.Response:
    """Show what was asked and answered."""
    return _page(call, await staff_questions.show(with_body(call, None)))


async def act(call: Call[QuestionForm, None]) -> web.Response:
    """Ask, or note an answer; show all of it then."""
    answer = await _done(call)
    if isinstance(answer, Problem):
        told = await staff_questions.show(with_body(call, None))
        return refused(call, _PAGE, answer, {**_words(call), "notes": told.items, "typed": call.body}, here="staff")
    return _page(call, answer)


async def _done(call: Call[QuestionForm, None]) -> Page[NoteView] | Problem:
    typed = call.body
    if typed.act == "ask":
        question = checked(Question, words=typed.words)
        return question if isinstance(question, Problem) else await staff_questions.ask(with_body(call, question))
    said = checked(Answered, words=typed.words, channel=typed.channel)
    return said if isinstance(said, Problem) else await staff_questions.note_answer(with_body(call, said))


def _page(call: Call[Any, None], told: Page[NoteView]) -> web.Response:
    return shown(call, _PAGE, {**_words(call), "notes": told.items, "typed": QuestionForm()}, here="staff")


def _words(call: Call[Any, None]) -> dict[str, object]:
    return {"reason": call.reason, "request_id": call.path["request_id"], "ways": WAYS}


def _route(path: str, handler: Any, summary: str, body: type[Form]) -> AnyRoute:
    return Route(
        method="POST",
        path=f"/staff/requests/{{request_id}}/questions{path}",
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        surface=Surface.PAGE,
        body=body,
        staff=(StaffRole.PRIVACY,),
    )


ROUTES: tuple[AnyRoute, ...] = (
    _route("", look, "Show questions about a request", LookForm),
    _route("/act", act, "Ask back, or note an answer", QuestionForm),
)
