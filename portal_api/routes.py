"""The words in which a route is declared. Dispatch, validation, OpenAPI and the access matrix are read off them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from isocket.domain.accounts import Account, Session, StaffRole
from isocket.domain.api_tokens import ApiToken, Scope
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id, new_id
from isocket.storage.port import Records
from portal_api.client_address import client_of
from portal_api.conditions import allows
from portal_api.limits import Rate, Rates
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError, changed_meanwhile

API = "/api/v1"
B = TypeVar("B")
Q = TypeVar("Q")

_PARAMETER = re.compile(r"\{(\w+)\}")
PATH_VALUE = r"[A-Za-z0-9_\-]{1,64}"


class Access(StrEnum):
    """Who may call a route at all. Which objects they may see is the handler's own question."""

    PUBLIC = "public"
    ACCOUNT = "account"
    STAFF = "staff"
    RECIPIENT = "recipient"  # alarm recipients on a visit; the handler asks who it is: `recipient_visits.demand_guest`


class Surface(StrEnum):
    """Whom a route is for: programs (JSON in and out, below `API`) or people (pages and forms)."""

    API = "api"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that is more than a model with the route's usual status."""

    body: BaseModel | None = None
    status: int | None = None  # None: the route's first one
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = BaseModel | Reply | Problem | web.StreamResponse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who is signed in, or a program with a personal API token, which has no session.

    `csrf` is the token for forms, None unless a cookie brought them.
    """

    account: Account
    session: Session | None = None
    csrf: str | None = None
    api_token: ApiToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[B, Q]):
    """One request on its way through a handler: validated, and with whoever asks."""

    portal: Portal
    request: web.Request
    body: B
    query: Q
    path: Mapping[str, str]
    caller: Caller | None
    reason: str = ""  # why a member of staff looks; only with access `STAFF`, where none gets by without
    form: str = ""  # which form was sent and with what, the same when it is sent again; empty where it does not say

    @property
    def records(self) -> Records:
        """Return the stored records."""
        return self.portal.records

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        return self.portal.clock

    @property
    def account(self) -> Account:
        """Return the account that asks; only for routes with access `ACCOUNT` or `STAFF`."""
        return self._signed_in.account

    @property
    def session(self) -> Session:
        """Return the session by which it asks; only for routes with access `ACCOUNT` or `STAFF`, and no scope."""
        session = self._signed_in.session
        if session is None:
            raise RuntimeError("a personal API token has no session: this route must not name a scope")
        return session

    @property
    def api_token(self) -> ApiToken | None:
        """Return the personal API token by which it asks, None for anybody else."""
        return None if self.caller is None else self.caller.api_token

    @property
    def conditional(self) -> bool:
        """Return whether a change is wished only of what the caller has seen."""
        return "If-Match" in self.request.headers

    def demand_match(self, version: int) -> None:
        """Let pass what is wished of this version, or without a condition.

        Raises:
            ProblemError: 412: the thing was changed since the caller saw it.
        """
        if self.conditional and not allows(", ".join(self.request.headers.getall("If-Match")), version):
            raise ProblemError(changed_meanwhile())

    def new_id(self, prefix: str) -> str:
        """Return the id of what this request makes; of a form that is sent again it is the same."""
        return derived_id(prefix, self.account.id, self.form) if self.form else new_id(prefix)

    @property
    def client(self) -> str:
        """Return the client's network address, for limits only: it must not be stored or logged."""
        return client_of(self.request, self.portal.settings.trusted_proxies)

    @property
    def _signed_in(self) -> Caller:
        if self.caller is None:
            raise RuntimeError("this route is public: declare access=Access.ACCOUNT to have an account")
        return self.caller


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route(Generic[B, Q]):
    """One route, declared once: it equals itself only.

    `path` is below `API` for programs, whole for pages; `{names}` in it match `PATH_VALUE`.
    `answers` gives the model of each good status, the usual one first; None means no body.
    `problems` names the statuses of refusals that cannot be told from the rest of the declaration.
    `scope` is what a personal API token needs for it; without one no such token is let in.
    `media` are media types that it answers with besides those of its models; a client that takes none gets 406.
    `conditional` says that the handler asks `Call.demand_match`.
    `ask_why` answers a form of staff without a good reason in the handler's place: `Call.reason` is what was typed.
    """

    method: str
    path: str
    handler: Callable[[Call[B, Q]], Awaitable[Answer]]
    summary: str
    access: Access = Access.ACCOUNT
    surface: Surface = Surface.API
    body: type[B] | None = None
    query: type[Q] | None = None
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=lambda: {200: None})
    problems: tuple[int, ...] = ()
    limit: Callable[[Rates], Rate] | None = None  # per client address, counted on each call
    tag: str = ""
    body_optional: bool = False
    scope: Scope | None = None
    or_scope: Scope | None = None  # another one that is enough
    staff: tuple[StaffRole, ...] = ()  # with access `STAFF`: which of them; none means every one
    step_up: bool = False  # only for who has proved a short while ago who they are: see `POST /me/step-up`
    media: tuple[str, ...] = ()
    conditional: bool = False
    ask_why: Callable[[Call[B, Q], Problem], Awaitable[Answer]] | None = None

    @property
    def template(self) -> str:
        """Return the whole path with `{names}`."""
        return f"{API}{self.path}" if self.surface is Surface.API else self.path

    @property
    def pattern(self) -> str:
        """Return the path as aiohttp's router takes it."""
        return _PARAMETER.sub(lambda found: f"{{{found.group(1)}:{PATH_VALUE}}}", self.template)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def usual_status(self) -> int:
        """Return the status of an ordinary good answer."""
        return next(iter(self.answers))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageRoute(Route[B, Q]):
    """A route for people."""

    surface: Surface = Surface.PAGE


AnyRoute = Route[Any, Any]


def is_negotiated(route: AnyRoute) -> bool:
    """Return whether a client that takes none of what a route answers with is told so beforehand (406)."""
    return route.surface is Surface.API and None not in route.answers.values()
