"""Second factors: what an account's holder shows beside the password, or instead of it."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import FACTOR_FACT, FACTOR_NAME, FACTOR_SECRET, LASTING_CREDENTIAL, OWNERSHIP, Plain
from isocket.domain.record import Record, record

PASSWORD_ALONE_LENGTH = 15  # characters of a password that is the only factor (NIST SP 800-63B-4, 3.1.1.2)
PASSWORD_BESIDE_LENGTH = 8  # and of one that is not


@record(collection="totp_factors", subject="account_id", account="account_id", unique=(("account_id",),))
class TotpFactor(Record):
    """An app that shows codes (RFC 6238). It counts from its first code on; `last_step` lets none work twice."""

    account_id: Annotated[str, OWNERSHIP]
    secret: Annotated[str, FACTOR_SECRET]  # base32, as the app has it
    last_step: Plain[int] = 0  # the latest 30 seconds of which a code was taken
    confirmed_at: Annotated[datetime | None, FACTOR_FACT] = None
    created_at: Annotated[datetime, FACTOR_FACT]


@record(collection="recovery_codes", subject="account_id", account="account_id", indexed=(("account_id",),))
class RecoveryCode(Record):
    """One way in without the second factor, once. Id = hash of 120 random bits, which nobody can try out."""

    account_id: Annotated[str, OWNERSHIP]
    created_at: Annotated[datetime, FACTOR_FACT]


@record(
    collection="passkeys",
    subject="account_id",
    account="account_id",
    indexed=(("account_id",),),
)
class Passkey(Record):
    """A key pair in somebody's browser, telephone or token (WebAuthn). Id = derived from the authenticator's own."""

    account_id: Annotated[str, OWNERSHIP]
    credential_id: Annotated[str, LASTING_CREDENTIAL]  # base64url
    public_key: Annotated[str, LASTING_CREDENTIAL]  # base64url of COSE
    sign_count: Plain[int] = 0
    name: Annotated[str, FACTOR_NAME] = ""
    backed_up: Plain[bool] = False  # whether its holder's other devices have it too
    last_used_at: Annotated[datetime | None, FACTOR_FACT] = None
    created_at: Annotated[datetime, FACTOR_FACT]
