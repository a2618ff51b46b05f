"""Making a socket one's own, with the code from its label."""

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.domain.secrets import claim_fits, claim_hash
from isocket.domain.transfers import Transfer
from isocket.kit.logs import get_logger
from isocket.storage.port import above, is_, is_not
from portal_api.devices import DeviceView, view_of
from portal_api.limits import Rate
from portal_api.models import Body, OneLine
from portal_api.numbering import give
from portal_api.problem import Problem, not_found
from portal_api.releases import finish_release
from portal_api.routes import PATH_VALUE, AnyRoute, Call, Route

log = get_logger(__name__)

# The code has 80 random bits: these keep the noise down, nobody could guess it without them either.
CLAIM_ACCOUNT = Rate(name="claim_account", tries=10, per_s=600)
CLAIM_ADDRESS = Rate(name="claim_address", tries=60, per_s=600)


class Claim(Body):
    """What is on the label. Capitals do not matter.

    Hyphens and spaces in the code do not either, and O in it is read as 0, I and L as 1.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"device_id": "is7k2m9q4xw1", "claim_code": "7H3K-9QXM-2D4V-RT8W", "name": "Summer house"}]
        }
    )

    device_id: str = Field(min_length=1, pattern=f"^{PATH_VALUE}$")
    claim_code: str = Field(min_length=1, max_length=64)
    name: OneLine | None = None


async def claim(call: Call[Claim, None]) -> DeviceView | Problem:
    """Make a socket one's own.

    404 for an unknown socket and for a wrong code alike; 409 if it has an owner, which only its right code tells.
    Wrong codes are limited by account and by network address.
    """
    portal, wish = call.portal, call.body
    counted = ((CLAIM_ACCOUNT, call.account.id), (CLAIM_ADDRESS, call.client))
    for rate, what in counted:
        await portal.limits.demand(rate, what)
    device = await call.records.get(Device, wish.device_id.lower())  # a telephone begins with a capital by itself
    if device is None or not claim_fits(wish.claim_code, device.claim_hash):
        return not_found()
    for rate, what in counted:
        await portal.limits.give_back(rate, what)
    if device.owner_id is None and device.claimed_at is not None:
        await finish_release(portal, device.id)  # the owner before gave it up, and our process died of it
    now = call.clock.now()
    if device.owner_id is None and await call.records.count(
        Transfer, is_("device_id", device.id), is_not("accepted_at", None), above("expires_at", now)
    ):
        return _owned()  # somebody is taking it over at this moment
    as_labelled = is_("claim_hash", claim_hash(wish.claim_code))
    claimed = await give(call.records, device.id, as_labelled, to=call.account.id, name=wish.name or None, now=now)
    if claimed is None:
        return _owned()
    await portal.telemetry.wake(claimed.id)
    until = portal.settings.archive.warranty_of(now)
    if call.account.warranty_until is None or call.account.warranty_until < until:
        await call.records.change_one(Account, is_("id", call.account.id), warranty_until=until)
    log.info("device_claimed", device_id=claimed.id, account_id=call.account.id)
    return await view_of(portal, claimed)


def _owned() -> Problem:
    return Problem(status=409, kind="owned", detail="This socket has an owner, who has to give it up first.")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/devices/claim",
        handler=claim,
        summary="Make a socket mine",
        body=Claim,
        answers={201: DeviceView},
        problems=(404, 409, 429),
    ),
)
