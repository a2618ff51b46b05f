"""Whether an account asks for more than a password, and whether what is shown is it.

A code from an app works once (the latest 30 seconds taken are stored, and moved by compare-and-set), a recovery code
as well (it is removed by whoever uses it). Wrong ones are counted by account: whoever tries them has the password.
"""

import hmac
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from isocket.domain.accounts import Account
from isocket.domain.factors import PASSWORD_ALONE_LENGTH, PASSWORD_BESIDE_LENGTH, Passkey, RecoveryCode, TotpFactor
from isocket.domain.secrets import normalise_claim_code
from isocket.kit.ids import token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, at_most, is_, is_not
from portal_api.limits import Rate
from portal_api.notices import Change, security_notice
from portal_api.portal import Portal
from portal_api.problem import Problem, too_many
from portal_api.totp_secrets import STEP_S, decoded

log = get_logger(__name__)
DIGITS = 6
_HASH = SHA1()  # noqa: S303 - what every app knows (RFC 6238); as a keyed hash it is not broken
_WARNINGS = Rate(name="factor_warning", tries=1, per_s=86_400)  # mails about wrong second factors to one account


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What an account has beside its password."""

    totp: TotpFactor | None = None
    passkeys: tuple[Passkey, ...] = ()

    def __bool__(self) -> bool:
        return self.totp is not None or bool(self.passkeys)


async def factors_of(records: Records, account_id: str) -> Factors:
    """Return the factors of an account that count: an app that was never confirmed does not."""
    of_account = is_("account_id", account_id)
    totp = await records.find(TotpFactor, of_account, is_not("confirmed_at", None), limit=1)
    passkeys = await records.find(Passkey, of_account, order_by="created_at")
    return Factors(totp=totp[0] if totp else None, passkeys=tuple(passkeys))


async def least_length(records: Records, account_id: str) -> int:
    """Return how many characters a password of this account needs: fewer where it is not all."""
    return PASSWORD_BESIDE_LENGTH if await factors_of(records, account_id) else PASSWORD_ALONE_LENGTH


async def check(portal: Portal, account: Account, code: str) -> Problem | None:
    """Return None if `code` is from the account's app, or one of its recovery codes: it is used up by that.

    A try is counted before the code is looked at, and given back if it was right.
    """
    rates = portal.settings.rates
    counted = (rates.factor_minutes, rates.factor_hour, rates.factor_day)
    for rate in counted:
        wait_s = await portal.limits.take(rate, account.id)
        if wait_s > 0:
            return too_many(wait_s)
    if not (await _from_the_app(portal, account, code) or await _recovered(portal, account, code)):
        if await portal.limits.take(_WARNINGS, account.id) == 0:
            await security_notice(portal, account, Change.WRONG_FACTOR)
        return wrong_code()
    for rate in counted:
        await portal.limits.give_back(rate, account.id)
    return None


async def take_step(records: Records, factor: TotpFactor, code: str, *, now_s: float, **changes: Any) -> bool:
    """Return whether `code` is right just now, a step earlier or later; it and all before it never work again."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not digits.isascii():
        return False
    app, this = TOTP(decoded(factor.secret), DIGITS, _HASH, STEP_S), int(now_s // STEP_S)
    fitting = [
        step
        for step in (this - 1, this, this + 1)
        if hmac.compare_digest(app.generate(step * STEP_S), digits.encode()) and step > factor.last_step
    ]
    if not fitting:
        return False
    moved = await records.change_one(
        TotpFactor, is_("id", factor.id), at_most("last_step", fitting[0] - 1), last_step=fitting[0], **changes
    )
    return moved is not None


def wrong_code() -> Problem:
    """Return the answer to a code that is wrong, was used, or is too old."""
    return Problem(
        status=401,
        kind="wrong-code",
        detail="The code is wrong, too old, or was used already. Take the next one.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _from_the_app(portal: Portal, account: Account, code: str) -> bool:
    factor = (await factors_of(portal.records, account.id)).totp
    now_s = portal.clock.now().timestamp()
    return factor is not None and await take_step(portal.records, factor, code, now_s=now_s)


async def _recovered(portal: Portal, account: Account, code: str) -> bool:
    of_account = is_("account_id", account.id)
    hashed = token_hash(normalise_claim_code(code))
    if not await portal.records.remove_all(RecoveryCode, is_("id", hashed), of_account):
        return False
    left = await portal.records.count(RecoveryCode, of_account)
    await security_notice(portal, account, Change.RECOVERY_CODE_USED, number=left)
    log.info("recovery_code_used", account_id=account.id, number=left)
    return True
