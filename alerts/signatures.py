"""Tells a provider's callback from a forged one."""

from collections.abc import Mapping, Sequence

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

SIGNATURE_HEADER = "X-Twilio-Signature"


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
        """
        if not signature:
            return False
        url = f"{self._public_url}{path_qs}"
        return any(bool(validator.validate(url, form, signature)) for validator in self._validators)
