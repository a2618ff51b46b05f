"""The privacy policy for people: the version that holds, every older one, what is different, and having seen it."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from isocket.domain.accounts import Account
from isocket.domain.policies import Acknowledgement, Policy, acknowledgement_id, changes, in_force
from isocket.storage.port import Records, is_
from portal_api.pages import go_to, local_path
from portal_api.pages_forms import TYPED, Form
from portal_api.problem import ProblemError, not_found
from portal_api.rendering import shown
from portal_api.routes import Access, AnyRoute, Call, PageRoute


class SeenForm(Form):
    """Which version was seen, and where to go on."""

    version: str = TYPED
    back: str = TYPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph of a policy. `fate`: `same`, `gone` or `new` where two versions are compared."""

    text: str
    is_heading: bool
    fate: str = "same"


async def newest(call: Call[None, None]) -> web.Response:
    """Show the version that holds now."""
    found = in_force(call.portal.settings.policies, call.clock.now())
    if found is None:
        raise ProblemError(not_found())
    return _page(call, found)


async def one(call: Call[None, None]) -> web.Response:
    """Show one version, however old."""
    return _page(call, _version(call, "policy_version"))


async def difference(call: Call[None, None]) -> web.Response:
    """Show what became of each paragraph from one version to another."""
    old, new = _version(call, "old_version"), _version(call, "policy_version")
    paragraphs = [_paragraph(text, fate) for fate, text in changes(old, new)]
    return shown(call, "policy_changes.html", {"old": old, "new": new, "paragraphs": paragraphs}, here="policy")


async def seen(call: Call[SeenForm, None]) -> web.Response:
    """Note that somebody has seen a version. It agrees to nothing."""
    found = next((each for each in _told(call) if each.version == call.body.version), None)
    if found is None:
        raise ProblemError(not_found())
    await acknowledge(call.records, call.account, found, call.clock.now())
    return go_to(local_path(call.body.back or "/"))


async def acknowledge(records: Records, account: Account, policy: Policy, now: datetime) -> None:
    """Store that an account has seen a version, once; and stop telling it of that one."""
    made = Acknowledgement(
        id=acknowledgement_id(account.id, policy.version),
        account_id=account.id,
        policy_version=policy.version,
        policy_hash=policy.digest,
        at=now,
    )
    await records.add_all([made])
    await records.change_one(Account, is_("id", account.id), policy_seen=policy.version)


def _told(call: Call[SeenForm, None] | Call[None, None]) -> list[Policy]:
    """Return the versions that may be read by now, the newest first."""
    now = call.clock.now()
    return [each for each in reversed(call.portal.settings.policies) if each.noticed_at <= now]


def _version(call: Call[None, None], name: str) -> Policy:
    found = next((each for each in _told(call) if each.version == call.path[name]), None)
    if found is None:
        raise ProblemError(not_found())
    return found


def _page(call: Call[None, None], policy: Policy) -> web.Response:
    told = _told(call)
    older = [each for each in told if each.noticed_at < policy.noticed_at]
    words = {
        "policy": policy,
        "paragraphs": [_paragraph(each, "same") for each in policy.paragraphs],
        "versions": told,
        "before": older[0] if older else None,
        "holds": in_force(call.portal.settings.policies, call.clock.now()),
        "controller": call.portal.settings.controller,
    }
    return shown(call, "policy.html", words, here="policy")


def _paragraph(text: str, fate: str) -> Paragraph:
    return Paragraph(text=text.removeprefix("# "), is_heading=text.startswith("# "), fate=fate)


ROUTES: tuple[AnyRoute, ...] = (
    PageRoute(method="GET", path="/policy", handler=newest, summary="The privacy policy", access=Access.PUBLIC),
    PageRoute(
        method="GET",
        path="/policy/{policy_version}",
        handler=one,
        summary="A version of the privacy policy",
        access=Access.PUBLIC,
    ),
    PageRoute(
        method="GET",
        path="/policy/{old_version}/changes/{policy_version}",
        handler=difference,
        summary="What is different in a version",
        access=Access.PUBLIC,
    ),
    PageRoute(method="POST", path="/policy-seen", handler=seen, summary="I have seen this version", body=SeenForm),
)
