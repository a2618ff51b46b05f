"""Tells a provider's callback from a forged one."""

import hmac
from collections.abc import Mapping, Sequence

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

# Twilio repeats a callback that failed for any reason up to 3 times; without this only a failed connection
# is repeated, once (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). Every hook of ours
# may be asked twice. It stands behind the addresses that we give.
CALLBACK_REPEATS = "#rc=3&rp=all"
SIGNATURE_HEADER = "X-Twilio-Signature"
PROOF_LENGTH = 40  # hexadecimal digits: 160 bits


class TwilioSignature:
    """Checks the header X-Twilio-Signature (https://www.twilio.com/docs/usage/security).

    Several tokens may be given, so that the old one still counts while it is being changed. `public_url` is
    the origin we gave in callback addresses, never the one a request claims: behind a proxy they differ.
    """

    def __init__(self, *, auth_tokens: Sequence[str], public_url: str) -> None:
        """Raise ValueError for an empty token: it would let everybody sign."""
        if not all(auth_tokens):
            raise ValueError("an auth token is empty: give the account's auth token or leave Twilio out")
        self._validators = [RequestValidator(token) for token in auth_tokens]
        self._public_url = public_url.rstrip("/")

    def is_valid(self, *, path_qs: str, form: Mapping[str, str], signature: str | None) -> bool:
        """Whether one of our tokens signed this request.

        `path_qs` is path and query as they came, not decoded; `form` is the decoded body with empty values
        kept, best as the multi-mapping that aiohttp gives; `signature` is the header, None when missing.

        Twilio signs the address without the fragment that asks for repeats; who signs it as we gave it is as genuine.
        """
        if not signature or not path_qs.startswith("/"):  # a whole address in the request line: we gave nobody that
            return False
        url = f"{self._public_url}{path_qs}"
        return any(
            bool(validator.validate(signed, form, signature))
            for validator in self._validators
            for signed in (url, f"{url}{CALLBACK_REPEATS}")
        )


class AddressProof:
    """Proofs for addresses that we give to a provider which signs nothing: each address has one of its own.

    Who sees one address cannot make another. They follow from the account's password, so that nothing is stored; when
    that is changed, receipts on their way are refused, and what they would have told counts as not heard.
    """

    def __init__(self, password: str) -> None:
        """Raise ValueError for an empty password: everybody could make the proofs."""
        if not password:
            raise ValueError("the password is empty: give the account's password or leave the provider out")
        self._key = hmac.digest(password.encode(), b"addresses of callbacks", "sha256")

    def of(self, subject: str) -> str:
        """Return the proof for the address about `subject`."""
        return hmac.digest(self._key, subject.encode(), "sha256").hex()[:PROOF_LENGTH]

    def is_valid(self, given: str, subject: str) -> bool:
        """Whether `given` is the proof for the address about `subject`."""
        return hmac.compare_digest(given.encode(), self.of(subject).encode())
