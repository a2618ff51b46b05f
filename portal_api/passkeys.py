"""Passkeys (WebAuthn): made, listed, named and removed by who is signed in; signed in with by anybody who has one.

The challenge lies in a signed ticket, so that nobody fills the store by asking for one; what stands there is that one
was used. An authenticator has to have asked for a finger, a face or a PIN: it stands for two factors.
"""

import json

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from isocket.domain.accounts import Account
from isocket.domain.factors import Passkey
from isocket.kit.ids import derived_id, new_token
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api.factors import factors_of
from portal_api.passkey_models import NewPasskey, PasskeyOptions, UsedKey
from portal_api.portal import Portal
from portal_api.sessions import hour_of
from portal_api.tickets import Ticket

log = get_logger(__name__)

MOST_PASSKEYS = 20
TICKET_S = 5 * 60.0
_NAME = "iSocket"


async def options_to_make(portal: Portal, account: Account, session_id: str) -> PasskeyOptions:
    """Return what a browser needs to make a passkey for an account. The account's own id stands for its holder."""
    has = (await factors_of(portal.records, account.id)).passkeys
    challenge = new_token()
    asked = webauthn.generate_registration_options(
        rp_id=portal.settings.host,
        rp_name=_NAME,
        user_id=account.id.encode(),
        user_name=account.email,
        user_display_name=account.name or account.email,
        challenge=base64url_to_bytes(challenge),
        timeout=int(TICKET_S * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id)) for each in has],
    )
    ticket = _ticket(portal, Ticket.PASSKEY_NEW, challenge, account.id, session_id)
    return PasskeyOptions(ticket=ticket, options=json.loads(options_to_json(asked)))


async def made(portal: Portal, account: Account, session_id: str, given: NewPasskey) -> Passkey | None:
    """Store the passkey that a browser made, and return it; None if anything about it is not as it should be."""
    challenge = await _challenge(portal, Ticket.PASSKEY_NEW, given.ticket, account.id, session_id)
    if challenge is None:
        return None
    try:
        found = webauthn.verify_registration_response(
            credential=given.credential.model_dump(by_alias=True),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=portal.settings.host,
            expected_origin=portal.settings.origin,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes do to a parser, they are no passkey
        log.info("passkey_refused", error=type(error).__name__)
        return None
    credential_id = bytes_to_base64url(found.credential_id)
    passkey = Passkey(
        id=derived_id("pky", credential_id),
        account_id=account.id,
        credential_id=credential_id,
        public_key=bytes_to_base64url(found.credential_public_key),
        sign_count=found.sign_count,
        name=given.name,
        backed_up=found.credential_backed_up,
        created_at=portal.clock.now(),
    )
    return passkey if await portal.records.add_all([passkey]) else None


def options_to_sign_in(portal: Portal) -> PasskeyOptions:
    """Return what a browser needs to sign in by whichever passkey its holder chooses."""
    return _options_to_use(portal, Ticket.PASSKEY_SIGN_IN, ())


async def options_to_step_up(portal: Portal, account: Account, session_id: str) -> PasskeyOptions:
    """Return what a browser needs to show once more who its holder is."""
    has = (await factors_of(portal.records, account.id)).passkeys
    return _options_to_use(portal, Ticket.PASSKEY_STEP_UP, has, account.id, session_id)


async def signed_in(portal: Portal, ticket: str, credential: UsedKey) -> Account | None:
    """Return whose passkey has signed, None if anything about it is not as it should be."""
    challenge = await _challenge(portal, Ticket.PASSKEY_SIGN_IN, ticket)
    passkey = await _signed(portal, challenge, credential) if challenge else None
    return await portal.records.get(Account, passkey.account_id) if passkey else None


async def proved(portal: Portal, account: Account, session_id: str, ticket: str, credential: UsedKey) -> bool:
    """Return whether a passkey of this account has signed, for this session."""
    challenge = await _challenge(portal, Ticket.PASSKEY_STEP_UP, ticket, account.id, session_id)
    passkey = await _signed(portal, challenge, credential) if challenge else None
    return passkey is not None and passkey.account_id == account.id


async def _signed(portal: Portal, challenge: str, credential: UsedKey) -> Passkey | None:
    passkey = await portal.records.get(Passkey, derived_id("pky", credential.id))
    handle = credential.response.user_handle
    if passkey is None or (handle is not None and handle != bytes_to_base64url(passkey.account_id.encode())):
        return None
    try:
        found = webauthn.verify_authentication_response(
            credential=credential.model_dump(by_alias=True, exclude_none=True),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=portal.settings.host,
            expected_origin=portal.settings.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - as above
        log.info("passkey_refused", error=type(error).__name__)
        return None
    return await portal.records.change_one(
        Passkey,
        is_("id", passkey.id),
        is_("sign_count", passkey.sign_count),
        sign_count=found.new_sign_count,
        backed_up=found.credential_backed_up,
        last_used_at=hour_of(portal.clock.now()),
    )


def _options_to_use(portal: Portal, kind: Ticket, has: tuple[Passkey, ...], *bound_to: str) -> PasskeyOptions:
    challenge = new_token()
    asked = webauthn.generate_authentication_options(
        rp_id=portal.settings.host,
        challenge=base64url_to_bytes(challenge),
        timeout=int(TICKET_S * 1000),
        allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id)) for each in has],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return PasskeyOptions(
        ticket=_ticket(portal, kind, challenge, *bound_to), options=json.loads(options_to_json(asked))
    )


def _ticket(portal: Portal, kind: Ticket, challenge: str, *bound_to: str) -> str:
    return portal.tickets.issue(kind, challenge, *bound_to, now=portal.clock.now(), lasts_s=TICKET_S)


async def _challenge(portal: Portal, kind: Ticket, ticket: str, *bound_to: str) -> str | None:
    """Return the challenge in a ticket of ours that is bound to this, the first time it comes."""
    said = portal.tickets.read(kind, ticket, now=portal.clock.now())
    if said is None or said[1:] != bound_to:
        return None
    return said[0] if await portal.limits.once(TICKET_S, "challenge", said[0]) else None
