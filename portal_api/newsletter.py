"""The newsletter for anybody, with an account or without: asking for it, saying yes, and leaving by one click.

A mail program leaves by posting to the address in the mail's head (RFC 8058); a person by a button on a page. Opening
a link changes nothing, since programs that look for harm open links too.
"""

from urllib.parse import quote

from aiohttp import web
from pydantic import ConfigDict, Field

from isocket.domain.consents import ConsentBy, wording_of
from isocket.domain.newsletter_letters import LEAVE_PATH
from isocket.kit.logs import get_logger
from portal_api import subscribing
from portal_api.models import Body, LinkToken, Query, View
from portal_api.pages import go_to
from portal_api.problem import Problem
from portal_api.registration import Accepted
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.usernames import Language, Username

log = get_logger(__name__)


class NewsletterWish(Body):
    """A mailbox that somebody wants the newsletter for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "maija@example.org", "language": "fi"}]})

    email: Username
    language: Language = "en"


class NewsletterAnswer(LinkToken):
    """The token from the mail."""


class WayOut(Query):
    """The token from the mail."""

    token: str = Field(min_length=1, max_length=128)


class Confirmed(View):
    """The newsletter will come."""

    status: str = Field(default="confirmed", examples=["confirmed"])
    wording: str = Field(description="What was agreed to.")


async def ask(call: Call[NewsletterWish, None]) -> Accepted:
    """Ask for the newsletter. The answer is always the same; it comes only when the mailbox says yes."""
    rate = call.portal.settings.rates.register_address
    if await call.portal.limits.take(rate, "newsletter", call.client) > 0:
        log.info("address_has_had_enough", rate=rate.name)
        return Accepted()
    await subscribing.ask(call.portal, call.body.email, call.body.language)
    return Accepted()


async def confirm(call: Call[NewsletterAnswer, None]) -> Confirmed | Problem:
    """Say yes with the token from the mail. It may be said again."""
    found = await subscribing.confirm(call.portal, call.body.token)
    if found is None:
        return Problem(status=400, kind="bad-token", detail="This link is not good any more. Ask for it again.")
    return Confirmed(wording=wording_of(found.language).text)


async def show_way_out(call: Call[None, WayOut]) -> web.Response:
    """Lead to the page with the button; leaving takes a POST."""
    return go_to(f"{LEAVE_PATH}?token={quote(call.query.token)}")


async def leave(call: Call[None, WayOut]) -> Accepted:
    """Leave by one click (RFC 8058), without signing in. The answer is the same whether the token is good or not."""
    await subscribing.leave_by(call.portal, call.query.token, ConsentBy.ONE_CLICK)
    return Accepted()


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/newsletter",
        handler=ask,
        summary="Ask for the newsletter",
        access=Access.PUBLIC,
        body=NewsletterWish,
        answers={202: Accepted},
    ),
    Route(
        method="POST",
        path="/newsletter/confirm",
        handler=confirm,
        summary="Say yes to the newsletter with the token from the mail",
        access=Access.PUBLIC,
        body=NewsletterAnswer,
        answers={200: Confirmed},
        limit=lambda rates: rates.token_address,
    ),
    Route(
        method="GET",
        path="/newsletter/leave",
        handler=show_way_out,
        summary="The page on which the newsletter is left",
        access=Access.PUBLIC,
        query=WayOut,
        answers={303: None},
    ),
    Route(
        method="POST",
        path="/newsletter/leave",
        handler=leave,
        summary="Leave the newsletter by one click",
        access=Access.PUBLIC,
        query=WayOut,
        answers={202: Accepted},
        limit=lambda rates: rates.token_address,
    ),
)
