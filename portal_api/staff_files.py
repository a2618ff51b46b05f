"""What the pages of staff have in common: a form that carries the reason, then a file as it is after what was asked.

A file is what lies open about one case, hold, breach or request. Each page asks the API's own handlers, so that a
form can do nothing that the API would refuse; what is wrong is said on the page it came from.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import StaffRole
from isocket.kit.ids import new_token
from portal_api.access import REASON_FIELD, check_step_up
from portal_api.pages import TEMPLATES, go_to
from portal_api.pages_forms import TYPED, Form, asking, checked, with_body
from portal_api.problem import FieldFault, Problem, old_page
from portal_api.rendering import refused, shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute
from portal_api.staff_words import in_words

E = TypeVar("E", bound=StrEnum)
MOST_LINES = 200
_DONE_WITH = ("/act", "/new")
_NEEDS_MORE = frozenset({"/staff/customers"})  # which the door asks for, beside the reason
_OLD = "This page was out of date, and nothing was done. Here it is as it is now: look, and repeat what is right still."
Wished = Mapping[str, object]


class LookForm(Form):
    """Nothing but the reason, which the frame has taken out."""


class ActForm(Form):
    """What is done about a file, and which file its page showed: absent, it is done however the file is now."""

    act: str = TYPED
    seen: str = TYPED


class ShowForm(Form):
    """Which part of a list, and behind which line it goes on; empty: from the first."""

    show: str = TYPED
    cursor: str = TYPED


@dataclass(frozen=True, slots=True)
class Act:
    """What a form asks of the API: of which handler, and which model made of what was typed; None: it takes none.

    Without `values` the model gets what was typed under the names of its own fields. With `step_up` it is only for
    who has shown a short while ago who they are, as the API's own route says.
    """

    handler: Callable[[Call[Any, None]], Awaitable[Any]]
    model: type[BaseModel] | None = None
    values: Callable[[Call[Any, None]], Wished] | None = None
    step_up: bool = False

    async def done(self, call: Call[Any, None]) -> Any:
        """Return what the API answers, or the problem of what was typed."""
        if self.step_up:
            check_step_up(call.portal, call.caller)
        if self.model is None:
            return await self.handler(with_body(call, None))
        wish = checked(self.model, **self._typed(call, self.model))
        return wish if isinstance(wish, Problem) else await self.handler(with_body(call, wish))

    def _typed(self, call: Call[Any, None], model: type[BaseModel]) -> Wished:
        if self.values is not None:
            return self.values(call)
        return {name: value for name, value in call.body.model_dump().items() if name in model.model_fields}


@dataclass(frozen=True, kw_only=True)
class FilePages:
    """The pages about one file: as it is, and what can be done about it, each by the value of its button.

    `words` are what the template needs besides. `names` gives the form's names of fields that the API calls
    otherwise; of what it nests the outermost counts, of words by language the innermost. `passing` are the fields of
    a file that change without anybody's doing: a page that shows another value of these is not out of date.
    """

    template: str
    words: Callable[[Call[Any, None]], Mapping[str, object]]
    show: Callable[[Call[None, None]], Awaitable[Any]]
    acts: Mapping[str, Act]
    act_form: type[ActForm]
    names: Mapping[str, str] = field(default_factory=dict)
    passing: frozenset[str] = frozenset()

    async def look(self, call: Call[LookForm, None]) -> web.Response:
        """Show one file."""
        return self.file(call, await self.show(with_body(call, None)))

    async def act(self, call: Call[Any, None]) -> web.StreamResponse:
        """Do something about a file, and show it as it is then. What is asked for as a file of its own is given.

        Of a page that shows what is not so any more nothing is done; it comes as it is now, with what was typed.
        """
        act, seen = self.acts.get(call.body.act), call.body.seen
        if act is None or (seen and seen != self._seen(await self.show(with_body(call, None)))):
            answer = old_page(_OLD)
        else:
            answer = await act.done(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, Problem):
            return self.file(call, await self.show(with_body(call, None)), answer, typed=call.body)
        return self.file(call, answer)

    def file(
        self, call: Call[Any, None], file: BaseModel, problem: Problem | None = None, typed: Form | None = None
    ) -> web.Response:
        """Return the page of one file, with its forms empty but for what was typed."""
        return self.page(call, problem, what="file", file=file, typed=typed or self.act_form(), seen=self._seen(file))

    def _seen(self, file: BaseModel) -> str:
        """Return what tells this file and this page from every other, before a change or an update of ours."""
        told = _without(file.model_dump(mode="json"), self.passing)
        return hashlib.sha256(
            json.dumps([_page_text(TEMPLATES / self.template), told], sort_keys=True).encode()
        ).hexdigest()

    def page(self, call: Call[Any, None], problem: Problem | None = None, **more: object) -> web.Response:
        """Return the page; of a problem its fields are named as the form names them."""
        words = {"reason": call.reason, "once": new_token(), "spell": in_words, **self.words(call), **more}
        if problem is None:
            return shown(call, self.template, words, here="staff")
        errors = [FieldFault(field=self._name(each.field), message=each.message) for each in problem.errors]
        return refused(call, self.template, replace(problem, errors=tuple(errors)), words, here="staff")

    def _name(self, name: str) -> str:
        outer, _, inner = name.partition(".")
        plain = inner.rpartition(".")[2] if outer == "words" and inner else outer
        return self.names.get(plain, plain)


@dataclass(frozen=True, kw_only=True)
class RegisterPages(FilePages):
    """The pages about many files: their list, with the form to begin another."""

    every: Callable[[Call[None, Any]], Awaitable[Any]]
    query: Callable[[Any], BaseModel]  # of what was typed
    begin_with: Act
    begin_form: type[Form]
    begins_on: str = "list"  # the part of the template with that form

    async def listed(self, call: Call[Any, None]) -> web.Response:
        """List files, or a part of them."""
        query = self.query(call.body)
        told = await self.every(asking(call, None, query))
        on = {"lines": told.items, "query": query, "following": told.next, "show": call.body.show}
        return self.page(call, None, what="list", typed=self.begin_form(), **on)

    async def begin(self, call: Call[Any, None]) -> web.Response:
        """Begin a file, and show it."""
        answer = await self.begin_with.done(call)
        if isinstance(answer, Problem):
            return self.page(call, answer, what=self.begins_on, lines=None, typed=call.body, sent="new")
        return self.file(call, answer)


@cache
def _page_text(template: Path) -> str:
    """Return a template as it is in this version; it is read from the disk once."""
    return template.read_text()


def _without(told: Any, names: frozenset[str]) -> Any:
    """Return what a model tells without these fields, however deep they lie."""
    if isinstance(told, dict):
        return {name: _without(value, names) for name, value in told.items() if name not in names}
    return [_without(each, names) for each in told] if isinstance(told, list) else told


def chosen(typed: str, parts: type[E]) -> E:
    """Return the part of a list that was chosen; of what is none of them, the first."""
    return parts(typed) if typed in set(parts) else next(iter(parts))


def with_commas(typed: str) -> list[str]:
    """Return the names that were typed with commas between them."""
    return [each.strip() for each in typed.split(",") if each.strip()]


def page_route(
    path: str, handler: Any, summary: str, body: type[Form], staff: tuple[StaffRole, ...] = (StaffRole.PRIVACY,)
) -> AnyRoute:
    """Return the route of a page of staff: always the answer to a form, which carries the reason."""
    return PageRoute(
        method="POST",
        path=path,
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        body=body,
        staff=staff,
        ask_why=_ask_again,
    )


def ways_back(routes: Iterable[AnyRoute]) -> tuple[AnyRoute, ...]:
    """Return for each page that answers a form what its address shows when it is only opened: the reason is asked.

    A reload that does not send the form again, a bookmark, and the way back from proving who one is come here.
    """
    return tuple(
        PageRoute(
            method="GET",
            path=each.path,
            handler=_ask_why,
            summary="Say why one looks",
            access=Access.STAFF,
            staff=each.staff,
        )
        for each in routes
        if each.method == "POST"
    )


async def _ask_why(call: Call[None, None]) -> web.Response:
    """Show the form that asks for the reason; for what was done with a file, at the address of the file."""
    path = call.request.path
    for ending in _DONE_WITH:
        if path.endswith(ending):
            return go_to(path.removesuffix(ending))
    if path in _NEEDS_MORE:
        return go_to("/staff")
    return shown(call, "staff_why.html", {"path": path, "reason": "", "typed": {}}, here="staff")


async def _ask_again(call: Call[Any, Any], problem: Problem) -> web.Response:
    """Ask for a better reason, with what is wrong with this one; whatever else was typed stays in the form."""
    wrong = FieldFault(field=REASON_FIELD, message=problem.detail)
    words = {
        "path": call.request.path,
        "reason": call.reason,
        "typed": {name: value for name, value in call.body.model_dump().items() if value},
        "once": new_token(),
    }
    return refused(call, "staff_why.html", replace(problem, errors=(wrong,)), words, here="staff")
