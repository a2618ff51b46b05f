"""What every page's template knows beside its own words: who is signed in, where one is, and the local time."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

from aiohttp import hdrs, web

from isocket.kit.clock import to_text
from isocket.kit.zones import zone_named
from portal_api.pages import RENDERER, SIGN_IN_PATH
from portal_api.policy_banner import banner
from portal_api.problem import Problem
from portal_api.routes import Call

DESK_PATH = "/desk"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_JUST_NOW_S, _MINUTE_S, _HOUR_S, _DAY_S = 5, 60, 3600, 86_400

# Without a referrer a browser also hides the origin of a form (Fetch standard, "append a request Origin header"),
# and a form without its origin is refused. To other sites nothing is told by either.
_HEADERS = MappingProxyType({"Referrer-Policy": "same-origin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """Says times as a person in `zone` would, at the instant `now`."""

    zone: tzinfo
    now: datetime

    def short(self, at: datetime) -> str:
        """Return `14:03` for today, `yesterday 14:03`, `20 Nov 14:03`, `20 Nov 2025 14:03`."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        clock = f"{local:%H:%M}"
        if local.date() == today.date():
            return clock
        if local.date() == today.date() - timedelta(days=1):
            return f"yesterday {clock}"
        year = "" if local.year == today.year else f" {local.year}"
        return f"{local.day} {MONTHS[local.month - 1]}{year} {clock}"

    def full(self, at: datetime) -> str:
        """Return `Sun 22 Nov 2026, 14:03:05`."""
        return f"{self.day(at)}, {self.seconds(at)}"

    def day(self, at: datetime) -> str:
        """Return `Sun 22 Nov 2026`."""
        local = at.astimezone(self.zone)
        return f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"

    def seconds(self, at: datetime) -> str:
        """Return the time of the day to the second, `14:03:05`."""
        return f"{at.astimezone(self.zone):%H:%M:%S}"

    def ago(self, at: datetime) -> str:
        """Return `just now`, `40 s ago`, `3 min ago`, `2 h ago`, `5 days ago`."""
        passed_s = (self.now - at) / timedelta(seconds=1)
        return "just now" if passed_s < _JUST_NOW_S else f"{lasting(passed_s)} ago"

    def machine(self, at: datetime) -> str:
        """Return the instant for the `datetime` attribute."""
        return to_text(at)


def lasting(seconds: float) -> str:
    """Return a length of time in its largest unit: `40 s`, `3 min`, `2 h`, `5 days`."""
    if seconds < _MINUTE_S:
        return f"{int(seconds)} s"
    if seconds < _HOUR_S:
        return f"{int(seconds // _MINUTE_S)} min"
    if seconds < _DAY_S:
        return f"{int(seconds // _HOUR_S)} h"
    days = int(seconds // _DAY_S)
    return "1 day" if days == 1 else f"{days} days"


def local_time(call: Call[Any, Any], time_zone: str | None = None) -> LocalTime:
    """Return how to say times on this page: in the account's time zone, else in `time_zone`, else in UTC."""
    name = call.caller.account.time_zone if call.caller else (time_zone or "UTC")
    return LocalTime(zone=zone_named(name), now=call.clock.now())


def shown(
    call: Call[Any, Any],
    template: str,
    words: Mapping[str, object] | None = None,
    *,
    here: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return a page in the frame that all share; `here` names the part of the site one is in.

    Templates know `account` (None when nobody is signed in), `csrf` and what is in `words`. Each form that changes
    something carries `<input type="hidden" name="csrf" value="{{ csrf }}">`.

    `live_from` in `words` is where the page can be got again that answers a form: live.js puts it into the address
    bar, so that neither it nor a reload asks the form's own address once more.
    """
    time, account = local_time(call), call.caller.account if call.caller else None
    said = {
        "account": account,
        "csrf": (call.caller.csrf if call.caller else None) or "",
        "here": here,
        "time": time,
        "zone": str(time.zone),
        "lasting": lasting,
        "desk_path": DESK_PATH if has_desk(call.request.app) else None,
        "sign_in_path": SIGN_IN_PATH,
        "note": None,
        "problem": None,
        "faults": {},
        "live_from": None,
        "policy_news": banner(call.portal.settings.policies, account, call.clock.now()),
        "posted": call.request.method == hdrs.METH_POST,
        **(words or {}),
    }
    text = call.request.app[RENDERER].get_template(template).render(said)
    response = web.Response(text=text, status=status, content_type="text/html")
    response.headers.update({**_HEADERS, **(headers or {})})
    return response


def refused(
    call: Call[Any, Any], template: str, problem: Problem, words: Mapping[str, object] | None = None, *, here: str = ""
) -> web.Response:
    """Return the page with the form again, saying what was wrong, with the status of the problem."""
    kept = {name: value for name, value in problem.headers.items() if name == "Retry-After"}
    said = replace(problem, detail="Please look at the fields that are marked.") if problem.errors else problem
    told = {"problem": said, "faults": _by_field(problem)}
    return shown(call, template, {**(words or {}), **told}, here=here, status=problem.status, headers=kept)


def has_desk(app: web.Application) -> bool:
    """Return whether this portal has the page that shows what would have gone out."""
    return any(resource.canonical == DESK_PATH for resource in app.router.resources())


def linked(origin: str) -> Callable[[str], list[tuple[str, bool]]]:
    """Return what cuts a text into (part, whether it is an address below `origin`): only our own become links."""
    ours = re.compile(rf"({re.escape(origin)}/[^\s<>\"']*)")

    def cut(text: str) -> list[tuple[str, bool]]:
        return [(part, number % 2 == 1) for number, part in enumerate(ours.split(text)) if part]

    return cut


def _by_field(problem: Problem) -> dict[str, str]:
    return {each.field: each.spoken for each in problem.errors}
