"""The page of staff on which they ask back about a request by right, and note what was answered."""

from isocket.domain.requests import RequestChannel
from portal_api import staff_questions
from portal_api.pages_forms import TYPED, WRITTEN
from portal_api.routes import AnyRoute
from portal_api.staff_files import Act, ActForm, FilePages, LookForm, page_route
from portal_api.staff_questions import Answered, Question

_PATH = "/staff/requests/{request_id}/questions"
WAYS = {
    RequestChannel.MAIL.value: "Mail",
    RequestChannel.TELEPHONE.value: "Telephone",
    RequestChannel.LETTER.value: "Letter",
}


class QuestionForm(ActForm):
    """What is asked, or what was answered and how it came."""

    words: str = WRITTEN
    channel: str = TYPED


PAGES = FilePages(
    template="staff_questions.html",
    words=lambda call: {"request_id": call.path["request_id"], "ways": WAYS},
    show=staff_questions.show,
    acts={"ask": Act(staff_questions.ask, Question), "answer": Act(staff_questions.note_answer, Answered)},
    act_form=QuestionForm,
)
ROUTES: tuple[AnyRoute, ...] = (
    page_route(_PATH, PAGES.look, "Show questions about a request", LookForm),
    page_route(f"{_PATH}/act", PAGES.act, "Ask back, or note an answer", QuestionForm),
)
