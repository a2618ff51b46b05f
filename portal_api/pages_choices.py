"""How one contact wants to be told, as a page: language, time zone, quiet hours, and what they are told about."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from isocket.domain.contacts import Contact, ContactRole
from portal_api import contacts
from portal_api.contact_models import ContactChange
from portal_api.owned import own_contact
from portal_api.pages import go_to
from portal_api.pages_forms import TYPED, Form, checked, with_body
from portal_api.pages_words import LANGUAGE_NAMES
from portal_api.problem import FieldFault, Problem
from portal_api.rendering import refused, shown
from portal_api.routes import AnyRoute, Call, PageRoute
from portal_api.zone_names import zones

_TYPED_AS = {"quiet_hours.start": "quiet_from", "quiet_hours.end": "quiet_until", "roles": "alarm"}


class ChoicesForm(Form):
    """How somebody wants to be told. A box that is not ticked does not come at all."""

    name: str = TYPED
    language: str = TYPED
    time_zone: str = TYPED
    quiet_from: str = TYPED
    quiet_until: str = TYPED
    except_critical: str = TYPED
    alarm: str = TYPED
    service: str = TYPED


async def show(call: Call[None, None]) -> web.Response:
    """Show what one contact has chosen, or was chosen for them."""
    contact = await own_contact(call)
    return shown(call, "choices.html", _words(contact, _as_typed(contact)), here="contacts")


async def change(call: Call[ChoicesForm, None]) -> web.Response:
    """Change it."""
    contact, typed = await own_contact(call), call.body
    hours = None
    if typed.quiet_from or typed.quiet_until:
        hours = {"start": typed.quiet_from, "end": typed.quiet_until, "except_critical": bool(typed.except_critical)}
    roles = [role.value for role in ContactRole if getattr(typed, role.value)]
    wish = checked(
        ContactChange,
        name=typed.name,
        language=typed.language,
        time_zone=typed.time_zone,
        quiet_hours=hours,
        roles=roles,
    )
    answer = wish if isinstance(wish, Problem) else await contacts.change(with_body(call, wish))
    if isinstance(answer, Problem):
        return refused(call, "choices.html", _by_typed_field(answer), _words(contact, typed), here="contacts")
    return go_to("/contacts?said=saved")


def _words(contact: Contact, typed: ChoicesForm) -> dict[str, Any]:
    return {"person": contact, "typed": typed, "languages": LANGUAGE_NAMES, "zones": zones()}


def _as_typed(contact: Contact) -> ChoicesForm:
    hours = contact.quiet_hours or {}
    return ChoicesForm(
        name=contact.name,
        language=contact.language,
        time_zone=contact.time_zone,
        quiet_from=hours.get("start", ""),
        quiet_until=hours.get("end", ""),
        except_critical="on" if hours.get("except_critical", True) else "",
        alarm="on" if ContactRole.ALARM in contact.roles else "",
        service="on" if ContactRole.SERVICE in contact.roles else "",
    )


def _by_typed_field(problem: Problem) -> Problem:
    """Return the problem with the fields that the form has."""
    errors = (FieldFault(field=_TYPED_AS.get(each.field, each.field), message=each.message) for each in problem.errors)
    return replace(problem, errors=tuple(errors))


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(
        method="GET",
        path="/contacts/{contact_id}/choices",
        handler=show,
        summary="Show how a contact wants to be told",
    ),
    PageRoute(
        method="POST",
        path="/contacts/{contact_id}/choices",
        handler=change,
        summary="Change how a contact wants to be told",
        body=ChoicesForm,
    ),
)
