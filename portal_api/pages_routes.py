"""Every page of the portal in one list, to be mounted beside the API."""

from portal_api import (
    breach_pages,
    pages_alarms,
    pages_away,
    pages_choices,
    pages_contacts,
    pages_credentials,
    pages_devices,
    pages_doorway,
    pages_endpoints,
    pages_guests,
    pages_history,
    pages_home,
    pages_incidents,
    pages_ladder,
    pages_newsletter,
    pages_not_me,
    pages_notice,
    pages_overview,
    pages_own_data,
    pages_passkeys,
    pages_policy,
    pages_privacy,
    pages_profile,
    pages_programs,
    pages_proof,
    pages_schedule,
    pages_security,
    pages_shares,
    recipient_pages,
    rights_pages,
    staff_breach_pages,
    staff_case_pages,
    staff_hold_pages,
    staff_pages,
    staff_question_pages,
)
from portal_api.pages_desk import desk_routes
from portal_api.routes import AnyRoute
from portal_api.staff_files import ways_back

_STAFF_ROUTES: tuple[AnyRoute, ...] = (
    *staff_pages.ROUTES,
    *staff_question_pages.ROUTES,
    *staff_hold_pages.ROUTES,
    *staff_case_pages.ROUTES,
    *staff_breach_pages.ROUTES,
)
PAGE_ROUTES: tuple[AnyRoute, ...] = (
    *pages_overview.ROUTES,
    *pages_doorway.ROUTES,
    *pages_devices.ROUTES,
    *pages_alarms.ROUTES,
    *pages_history.ROUTES,
    *pages_incidents.ROUTES,
    *pages_contacts.ROUTES,
    *pages_choices.ROUTES,
    *pages_away.ROUTES,
    *pages_ladder.ROUTES,
    *pages_endpoints.ROUTES,
    *pages_credentials.ROUTES,
    *pages_not_me.ROUTES,
    *pages_passkeys.ROUTES,
    *pages_profile.ROUTES,
    *recipient_pages.ROUTES,
    *rights_pages.ROUTES,
    *_STAFF_ROUTES,
    *ways_back(_STAFF_ROUTES),
    *pages_newsletter.ROUTES,
    *pages_policy.ROUTES,
    *breach_pages.ROUTES,
    *pages_privacy.ROUTES,
    *pages_own_data.ROUTES,
    *pages_notice.ROUTES,
    *pages_programs.ROUTES,
    *pages_home.ROUTES,
    *pages_proof.ROUTES,
    *pages_guests.ROUTES,
    *pages_schedule.ROUTES,
    *pages_shares.ROUTES,
    *pages_security.ROUTES,
)
"""All pages but the desk."""


def page_routes(*, desk: bool) -> tuple[AnyRoute, ...]:
    """Return all pages, with the desk if this installation has one (see `portal_api.pages_desk`)."""
    return (*PAGE_ROUTES, *(desk_routes() if desk else ()))
