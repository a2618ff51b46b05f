"""What a caller is told when something cannot be done: problem documents of RFC 9457."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isocket.domain.negotiation import best_language
from portal_api.field_words import field_words
from portal_api.problem_words import title_and_detail

MEDIA_TYPE = "application/problem+json"
_QUARTER_S = 900


class FieldFault(BaseModel):
    """What is wrong with one field. It never repeats the value."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Path of the field, with dots: `temp.0.low_c`.")
    message: str

    @property
    def spoken(self) -> str:
        """Return the message as a page says it, without the marks that set off what a program would write."""
        return self.message.replace("`", "")


class ProblemDocument(BaseModel):
    """A problem as it goes out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:isocket:problem:not-valid",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "Something in the request is not as it should be.",
                    "errors": [{"field": "username", "message": "This is not an e-mail address."}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldFault] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An expected refusal, as a value: a handler returns it.

    `kind` is a stable word for programs (`wrong-code`), `detail` a sentence for people.
    """

    status: int
    kind: str
    detail: str
    errors: tuple[FieldFault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    about: str = ""  # a number to be told us, or where to write to, which stands in the words as well

    def said_in(self, request: web.BaseRequest) -> "SaidProblem":
        """Return this problem in the language that the client likes best, as far as there are words in it."""
        language = best_language(request.headers.get("Accept-Language", ""))
        words = title_and_detail(self.kind, language)
        if words is None:
            return SaidProblem(problem=self, language="en", title=HTTPStatus(self.status).phrase, detail=self.detail)
        title, detail = words
        return SaidProblem(problem=self, language=language, title=title, detail=detail.format(about=self.about))


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidProblem:
    """A problem in one language."""

    problem: Problem
    language: str
    title: str
    detail: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the answer that carries it."""
        return {**self.problem.headers, "Content-Language": self.language, "Vary": "Accept-Language"}

    def response(self) -> web.Response:
        """Return the answer for programs."""
        document = ProblemDocument(
            type=f"urn:isocket:problem:{self.problem.kind}",
            title=self.title,
            status=self.problem.status,
            detail=self.detail,
            errors=list(self.problem.errors),
        )
        return web.Response(
            status=self.problem.status,
            body=document.model_dump_json().encode(),
            content_type=MEDIA_TYPE,
            headers=self.headers,
        )


class ProblemError(Exception):
    """Ends a request from deep inside with the problem it carries; the frame turns it into the answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.kind)
        self.problem = problem


def fault(name: str, message: str) -> Problem:
    """Return the problem of one field that is not as it should be (422)."""
    return faults((FieldFault(field=name, message=message),))


def faults(errors: Iterable[FieldFault]) -> Problem:
    """Return the problem of several such fields (422)."""
    return Problem(
        status=422,
        kind="not-valid",
        detail="Something in the request is not as it should be.",
        errors=tuple(errors),
    )


def not_found() -> Problem:
    """Return the one answer for what does not exist and for what belongs to somebody else."""
    return Problem(status=404, kind="not-found", detail="There is nothing here for you.")


def bad_link(then: str = "Ask for another.") -> Problem:
    """Return the one answer to a link that never was good, is over, or was used (400); `then` says what to do."""
    detail = f"This link is not good, not any more, or was used already. {then}"
    return Problem(status=400, kind="bad-token", detail=detail)


def not_now(detail: str) -> Problem:
    """Return the answer for what cannot be done as things are now, with the reason (409)."""
    return Problem(status=409, kind="not-now", detail=detail)


def try_later(contact: str) -> Problem:
    """Return the answer for what cannot be done just now (409). It keeps to itself why; `contact` is who answers."""
    return Problem(
        status=409,
        kind="try-later",
        detail="This cannot be done just now. Try again in a quarter of an hour. If it cannot be done tomorrow either, "
        f"write to us: {contact}",
        headers={"Retry-After": str(_QUARTER_S)},
        about=contact,
    )


def old_page(detail: str = "The page is out of date. Load it again and repeat.") -> Problem:
    """Return the answer for a form of a page that is not as we would show it now (409)."""
    return Problem(status=409, kind="old-page", detail=detail)


def changed_meanwhile() -> Problem:
    """Return the answer for a change of what is not any more as its asker saw it."""
    return Problem(
        status=412,
        kind="changed-meanwhile",
        detail="This was changed since you read it. Get it again, and send your change with its new ETag.",
    )


def too_many(wait_s: float) -> Problem:
    """Return the answer for too many tries, to come again after `wait_s` seconds (rounded up)."""
    return Problem(
        status=429,
        kind="too-many",
        detail="Too many tries. Wait a while, then try again.",
        headers={"Retry-After": str(max(1, -int(-wait_s // 1)))},
    )


def from_validation(error: ValidationError) -> Problem:
    """Return the problem that names each field pydantic refused, without the values."""
    return faults(
        FieldFault(
            field=".".join(str(step) for step in each["loc"] if step != "[key]") or "(body)",
            message=field_words(each),
        )
        for each in error.errors(include_url=False, include_input=False)
    )
