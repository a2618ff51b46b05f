"""Somebody with a browser that runs no script: opens pages, reads forms off them, fills them in and sends them."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse

FROM_OUR_PAGE = {"Origin": PUBLIC_URL}


@dataclass(slots=True, kw_only=True)
class PaperForm:
    """A form as it stands on a page."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it came."""

    status: int
    path: str
    html: str
    headers: dict[str, str]
    forms: tuple[PaperForm, ...]
    links: tuple[str, ...]
    tags: tuple[tuple[str, dict[str, str]], ...]
    words: str

    def form(self, action: str) -> PaperForm:
        """Return the first form that goes to `action`."""
        return next(each for each in self.forms if each.action == action)

    @property
    def focused(self) -> list[str]:
        """Return the name, or else the description, of what has the focus once the page is there."""
        having = (said for _, said in self.tags if "autofocus" in said)
        return [said.get("name") or said["aria-describedby"] for said in having]

    def said_at(self, name: str) -> str:
        """Return what is said to be wrong with a field right at it, empty where nothing is."""
        found = re.search(rf'<p class="fault" id="{re.escape(name)}-more">(.*?)</p>', self.html, flags=re.DOTALL)
        return "" if found is None else unescape(found[1])


class Visitor:
    """One browser: cookies stay, redirects are followed."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self._client = client

    async def open(self, path: str, **more: Any) -> Page:
        """Return the page at `path`."""
        return await _page(await self._client.get(path, **more))

    async def send(self, page: Page, action: str, **typed: str) -> Page:
        """Fill in a form of `page` and return the page that follows."""
        form = page.form(action)
        assert form.method == "post"
        return await self.post(action, {**form.values, **typed})

    async def post(self, path: str, values: dict[str, str], headers: dict[str, str] | None = None) -> Page:
        """Send values as a form would, by default from one of our own pages."""
        sent = FROM_OUR_PAGE if headers is None else headers
        return await _page(await self._client.post(path, data=values or b"", headers=sent))

    async def sign_in(self, username: str, password: str = PASSWORD) -> Page:
        """Sign in with the form for it."""
        page = await self.open("/")
        return await self.send(page, page.forms[0].action, username=username, password=password)


async def signed_in(house: PortalHouse, username: str, **profile: str) -> Visitor:
    """Open an account and return a browser that is signed in to it."""
    await house.register(username, **profile)
    visitor = Visitor(house.client)
    page = await visitor.sign_in(username)
    assert page.status == 200, page.words
    return visitor


async def _page(answer: ClientResponse) -> Page:
    html = await answer.text()
    reader = _Reader()
    reader.feed(html)
    return Page(
        status=answer.status,
        path=answer.url.path_qs,
        html=html,
        headers=dict(answer.headers),
        forms=tuple(reader.forms),
        links=tuple(reader.links),
        tags=tuple(reader.tags),
        words=" ".join(" ".join(reader.words).split()),
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[PaperForm] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.tags.append((tag, said))
        match tag:
            case "form":
                self.forms.append(PaperForm(action=said.get("action", ""), method=said.get("method", "get")))
            case "a":
                self.links.append(said.get("href", ""))
            case "input" if said.get("type") == "checkbox" and "checked" not in said:
                pass  # a box that is not ticked is not sent
            case "input" if self.forms and "name" in said:
                self.forms[-1].values[said["name"]] = said.get("value", "")
            case "select":
                self._select = said["name"]
            case "option" if "selected" in said:
                self.forms[-1].values[self._select] = said["value"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)
