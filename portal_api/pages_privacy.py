"""Your data: what was given to whom, what you agreed to and object to, and a pause in which it is only kept."""

from typing import Any

from aiohttp import web

from isocket.domain.consents import ConsentKind
from isocket.domain.restrictions import AlarmsMeanwhile
from isocket.storage.disclosed import disclosed, of_account
from portal_api import privacy_consents, privacy_holds, privacy_restriction
from portal_api.code_words import named_in
from portal_api.ledger_words import row_of
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, with_body
from portal_api.privacy_consents import ConsentsWish, ObjectionsWish
from portal_api.privacy_restriction import CONSEQUENCES, RestrictionWish
from portal_api.rendering import shown
from portal_api.routes import AnyRoute, Call, PageRoute

PAGE = privacy_restriction.PAGE
_SHOWN = 25
AGREED = {ConsentKind.NEWSLETTER.value: "Newsletter"}


class ChoicesForm(Form):
    """Boxes as they were ticked; one that is not ticked is not sent."""

    newsletter: str = TYPED
    statistics: str = TYPED
    surveys: str = TYPED


class PauseForm(Form):
    """Whether to begin or end a pause, and what becomes of alarms in it."""

    on: str = TYPED
    alarms: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show all of it."""
    told, _ = await disclosed(call.records, of_account(call.account.id), now=call.clock.now(), limit=_SHOWN)
    words: dict[str, Any] = {
        "told": [row_of(each) for each in told],
        "consents": await privacy_consents.show_consents(call),
        "objections": await privacy_consents.show_objections(call),
        "restriction": await privacy_restriction.show(call),
        "held": (await privacy_holds.show(call)).items,
        "consequences": CONSEQUENCES,
        "agreed": AGREED,
        "named": named_in,
    }
    return shown(call, "privacy.html", words, here="privacy")


async def choose(call: Call[ChoicesForm, None]) -> web.Response:
    """Take over what is ticked."""
    typed = call.body
    objections = ObjectionsWish(statistics=bool(typed.statistics), surveys=bool(typed.surveys))
    await privacy_consents.change_objections(with_body(call, objections))
    await privacy_consents.change_consents(with_body(call, ConsentsWish(newsletter=bool(typed.newsletter))))
    return go_to(PAGE)


async def pause(call: Call[PauseForm, None]) -> web.Response:
    """Begin or end a pause; without a choice of ours alarms go on."""
    stop = call.body.alarms == AlarmsMeanwhile.STOP
    wish = RestrictionWish(on=bool(call.body.on), alarms=AlarmsMeanwhile.STOP if stop else AlarmsMeanwhile.CONTINUE)
    await privacy_restriction.change(with_body(call, wish))
    return go_to(PAGE)


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path=PAGE, handler=show, summary="Your data"),
    PageRoute(
        method="POST",
        path="/privacy/choices",
        handler=choose,
        summary="What I agree and object to",
        body=ChoicesForm,
    ),
    PageRoute(
        method="POST",
        path="/privacy/pause",
        handler=pause,
        summary="Have my data only kept, or used again",
        body=PauseForm,
        step_up=True,
    ),
)
