"""Pages for people: their templates, the ways from one to another, and refusals that a person can read."""

import html
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, quote, urlsplit

import jinja2
from aiohttp import web

from isocket.domain.processing import to_be_read
from portal_api.problem import Problem, SaidProblem
from portal_api.problem_words import ENGLISH_TITLES

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
STATIC = _HERE / "static"
SIGN_IN_PATH = "/login"
PROVE_PATH = "/prove"

RENDERER = web.AppKey("renderer", jinja2.Environment)


@cache
def renderer() -> jinja2.Environment:
    """Return what turns templates into pages, one for all: escaping always on, an unknown name is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    found.filters["to_be_read"] = to_be_read
    return found


def go_to(path: str) -> web.Response:
    """Return the answer after a form was taken: go and get `path`, so that a reload repeats nothing."""
    return web.Response(status=303, headers={"Location": local_path(path)})


def sign_in_first(request: web.Request) -> web.Response:
    """Return the way to the sign-in page, and from there back to what was asked for."""
    return go_to(f"{SIGN_IN_PATH}?next={quote(request.path_qs, safe='')}")


def prove_first(request: web.Request) -> web.Response:
    """Return the way to the page where one proves again who one is, and from there back to where one was."""
    came_from = _came_from(request)
    there = request.path_qs if request.method in {"GET", "HEAD"} else f"{came_from.path}?{came_from.query}"
    return go_to(f"{PROVE_PATH}?next={quote(local_path(there.removesuffix('?')), safe='')}")


def local_path(wanted: str) -> str:
    """Return `wanted` if it is a path of ours, else `/`: nobody is sent elsewhere by a crafted link."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if plain else "/"  # what begins with one slash has neither scheme nor host


def _came_from(request: web.BaseRequest) -> SplitResult:
    """Return of what page a request says that it comes, of none where that is no address."""
    try:
        return urlsplit(request.headers.get("Referer", ""))
    except ValueError:  # such as "http://["
        return urlsplit("")


_WAYS_ON: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": ("Back to the page", "Sign in"),
        "fi": ("Takaisin sivulle", "Kirjaudu sisään"),
        "sv": ("Tillbaka till sidan", "Logga in"),
        "de": ("Zurück zur Seite", "Anmelden"),
        "nb": ("Tilbake til siden", "Logg inn"),
    }
)


def _way_on(said: SaidProblem, request: web.BaseRequest) -> str:
    """Return the link from a form that was refused to its page, by signing in where nobody is signed in any more."""
    came_from = _came_from(request)
    if request.method in {"GET", "HEAD"} or came_from.netloc != request.host:
        return ""
    there = local_path(f"{came_from.path}?{came_from.query}".removesuffix("?"))
    back, sign_in = _WAYS_ON[said.language]
    if said.problem.status == HTTPStatus.UNAUTHORIZED:
        back, there = sign_in, f"{SIGN_IN_PATH}?next={quote(there, safe='')}"
    return f'<a href="{html.escape(there)}">{back}</a> '


def _keeping(problem: Problem, request: web.BaseRequest) -> str:
    """Return what has kept.js give back what was typed, and say what became of it, where its reader goes back to it.

    A form that was refused did nothing. Nobody knows how far one came on which we broke, or whose next page we owe.
    """
    broke = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if request.method not in {"GET", "HEAD"} and not broke:
        outcome = "nothing"
    elif broke or problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        outcome = "unknown"
    else:
        return ""
    return f'<script type="module" src="/static/kept.js" data-held="{outcome}"></script>'


def problem_page(said: SaidProblem, request: web.BaseRequest) -> web.Response:
    """Return a problem as a page. It needs no template, so that it works when they do not."""
    problem = said.problem
    english = ENGLISH_TITLES.get(problem.status) if said.language == "en" else None
    title = html.escape(english or said.title)
    faults = "".join(f"<li>{html.escape(each.field)}: {html.escape(each.spoken)}</li>" for each in problem.errors)
    listed = f"<ul>{faults}</ul>" if faults else ""
    text = (
        f'<!doctype html><html lang="{said.language}"><head><meta charset="utf-8"><title>{title} | iSocket</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="/static/portal.css">{_keeping(problem, request)}</head>'
        f'<body><main class="narrow"><section class="card door"><h1>{title}</h1><p>{html.escape(said.detail)}</p>'
        f'{listed}<p class="links">{_way_on(said, request)}<a href="/">iSocket</a></p></section></main></body></html>'
    )
    return web.Response(status=problem.status, text=text, content_type="text/html", headers=said.headers)
