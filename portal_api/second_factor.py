"""One's second factor by API: an app that shows codes, and recovery codes for the day on which it is lost."""

from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account, Session
from isocket.domain.factors import RecoveryCode, TotpFactor
from isocket.domain.secrets import normalise_claim_code
from isocket.kit.ids import derived_id, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import is_, is_not, remove_every
from portal_api.factors import Factors, factors_of, take_step
from portal_api.models import Body, Instant, View
from portal_api.notices import Change, security_notice
from portal_api.portal import Portal
from portal_api.problem import Problem, fault, not_found, too_many
from portal_api.recovery_codes import CODES, new_recovery_code
from portal_api.routes import AnyRoute, Call, Route
from portal_api.totp_secrets import address_of, new_secret

log = get_logger(__name__)


class FactorCode(Body):
    """A code that the app shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: str = Field(min_length=1, max_length=40)


class FactorsView(View):
    """What signing in asks for beside the password."""

    totp: bool = Field(description="An app that shows codes.")
    totp_since: Instant | None
    passkeys: int
    recovery_codes: int = Field(description="How many are left.")


class TotpSecret(View):
    """What the app needs, shown this once. It counts when a code from it has been typed."""

    secret: str = Field(description="Base32, to type it into the app.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    uri: str = Field(description="The same as an address, for a QR code.")


class RecoveryCodes(View):
    """Recovery codes, shown this once; each works once in place of a code. Empty: you have some already."""

    recovery_codes: list[str]


async def show(call: Call[None, None]) -> FactorsView:
    """Show what signing in asks for."""
    found = await factors_of(call.records, call.account.id)
    return FactorsView(
        totp=found.totp is not None,
        totp_since=found.totp.confirmed_at if found.totp else None,
        passkeys=len(found.passkeys),
        recovery_codes=await call.records.count(RecoveryCode, is_("account_id", call.account.id)),
    )


async def begin(call: Call[None, None]) -> TotpSecret | Problem:
    """Begin with an app that shows codes. Nothing changes until a code from it comes to `…/totp/confirm`."""
    account = call.account
    factor_id = derived_id("fac", account.id, "totp")
    if (await factors_of(call.records, account.id)).totp is not None:
        return _there_is_one()
    await call.records.remove_all(TotpFactor, is_("id", factor_id), is_("confirmed_at", None))
    secret = new_secret()
    made = TotpFactor(id=factor_id, account_id=account.id, secret=secret, created_at=call.clock.now())
    if not await call.records.add_all([made]):
        return _there_is_one()
    return TotpSecret(secret=secret, uri=address_of(secret, account.email))


async def confirm(call: Call[FactorCode, None]) -> RecoveryCodes | Problem:
    """Take the first code of the app: from now on signing in asks for one. Gives the recovery codes.

    Every other session ends: whoever is in without a code would stay in.
    """
    account, now = call.account, call.clock.now()
    wait = await call.portal.limits.take(call.portal.settings.rates.factor_minutes, account.id, "confirm")
    if wait > 0:
        return too_many(wait)
    pending = await call.records.find(TotpFactor, is_("account_id", account.id), limit=1)
    if not pending or pending[0].confirmed_at is not None:
        return not_found() if not pending else _there_is_one()
    if not await take_step(call.records, pending[0], call.body.code, now_s=now.timestamp(), confirmed_at=now):
        return fault("code", "This is not the code that the app shows now. Are the clocks right?")
    return await first_factor_added(call, Change.TOTP_ADDED)


async def remove(call: Call[None, None]) -> Problem | None:
    """Remove the app. Without any factor left the recovery codes go as well."""
    if not await call.records.remove_all(TotpFactor, is_("account_id", call.account.id), is_not("confirmed_at", None)):
        return not_found()
    await factor_removed(call.portal, call.account, Change.TOTP_REMOVED)
    return None


async def renew_codes(call: Call[None, None]) -> RecoveryCodes | Problem:
    """Make new recovery codes. The ones before do not work any more."""
    if not await factors_of(call.records, call.account.id):
        return Problem(status=409, kind="no-second-factor", detail="Add a second factor first: it brings its codes.")
    codes = await _new_codes(call.portal, call.account.id)
    await security_notice(call.portal, call.account, Change.RECOVERY_CODES_MADE)
    return RecoveryCodes(recovery_codes=codes)


async def first_factor_added(call: Call[Any, Any], change: Change) -> RecoveryCodes:
    """Do what follows a new factor: recovery codes where there are none, other sessions ended, word of it by mail."""
    portal, account = call.portal, call.account
    has_codes = await portal.records.count(RecoveryCode, is_("account_id", account.id))
    codes = [] if has_codes else await _new_codes(portal, account.id)
    await remove_every(portal.records, Session, is_("account_id", account.id), is_not("id", call.session.id))
    await portal.records.change_one(Session, is_("id", call.session.id), second_factor=True)
    await security_notice(portal, account, change)
    log.info("factor_added", account_id=account.id, kind=change.value)
    return RecoveryCodes(recovery_codes=codes)


async def factor_removed(portal: Portal, account: Account, change: Change) -> None:
    """Do what follows a removed factor: without any, no recovery codes and no session that counts as proved by one."""
    left: Factors = await factors_of(portal.records, account.id)
    if not left:
        await portal.records.remove_all(RecoveryCode, is_("account_id", account.id))
        await portal.records.change_all(Session, is_("account_id", account.id), second_factor=False)
    await security_notice(portal, account, change)
    log.info("factor_removed", account_id=account.id, kind=change.value)


async def _new_codes(portal: Portal, account_id: str) -> list[str]:
    codes, now = [new_recovery_code() for _ in range(CODES)], portal.clock.now()
    await portal.records.remove_all(RecoveryCode, is_("account_id", account_id))
    await portal.records.add_all(
        [
            RecoveryCode(id=token_hash(normalise_claim_code(code)), account_id=account_id, created_at=now)
            for code in codes
        ]
    )
    return codes


def _there_is_one() -> Problem:
    return Problem(status=409, kind="has-totp", detail="There is an app with codes already. Remove it first.")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/me/second-factor",
        handler=show,
        summary="Show my second factors",
        answers={200: FactorsView},
    ),
    Route(
        method="POST",
        path="/me/second-factor/totp",
        handler=begin,
        summary="Begin with an app that shows codes",
        answers={201: TotpSecret},
        problems=(409,),
        step_up=True,
    ),
    Route(
        method="POST",
        path="/me/second-factor/totp/confirm",
        handler=confirm,
        summary="Take the first code of the app",
        body=FactorCode,
        answers={200: RecoveryCodes},
        problems=(404, 409, 429),
        step_up=True,
    ),
    Route(
        method="DELETE",
        path="/me/second-factor/totp",
        handler=remove,
        summary="Remove the app that shows codes",
        answers={204: None},
        problems=(404,),
        step_up=True,
    ),
    Route(
        method="POST",
        path="/me/second-factor/recovery-codes",
        handler=renew_codes,
        summary="Make new recovery codes",
        answers={201: RecoveryCodes},
        problems=(409,),
        step_up=True,
    ),
)
