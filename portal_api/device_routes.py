"""All routes about sockets, incidents and people to be told, for the portal's table."""

from portal_api import (
    claims,
    commands,
    contacts,
    device_problems,
    device_settings,
    devices,
    endpoints,
    escalations,
    events,
    history,
    incidents,
    readiness,
    replays,
    spending,
    substitutions,
    test_alarms,
    unheard,
    verifications,
)
from portal_api.routes import AnyRoute

DEVICE_ROUTES: tuple[AnyRoute, ...] = (
    *claims.ROUTES,
    *devices.ROUTES,
    *device_settings.ROUTES,
    *commands.ROUTES,
    *history.ROUTES,
    *events.ROUTES,
    *device_problems.ROUTES,
    *replays.ROUTES,
    *test_alarms.ROUTES,
    *incidents.ROUTES,
    *contacts.ROUTES,
    *verifications.ROUTES,
    *endpoints.ROUTES,
    *escalations.ROUTES,
    *substitutions.ROUTES,
    *readiness.ROUTES,
    *spending.ROUTES,
    *unheard.ROUTES,
)
