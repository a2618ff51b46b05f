"""Signed callbacks."""

import pytest
from multidict import MultiDict

from alerts.signatures import TwilioSignature

# Twilio's own example (https://www.twilio.com/docs/usage/security).
TOKEN = "12345"
ORIGIN = "https://mycompany.com"
PATH = "/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def _check(
    *,
    tokens: tuple[str, ...] = (TOKEN,),
    origin: str = ORIGIN,
    path_qs: str = PATH,
    form: dict[str, str] | MultiDict[str] | None = None,
    signature: str | None = SIGNATURE,
) -> bool:
    checker = TwilioSignature(auth_tokens=tokens, public_url=origin)
    return checker.is_valid(path_qs=path_qs, form=FORM if form is None else form, signature=signature)


def test_twilios_own_example_is_valid() -> None:
    assert _check()


def test_a_slash_at_the_end_of_the_public_address_does_no_harm() -> None:
    assert _check(origin=ORIGIN + "/")


def test_an_address_with_its_default_port_written_out_is_the_same() -> None:
    assert _check(origin=ORIGIN + ":443")


def test_a_form_as_aiohttp_gives_it_is_valid() -> None:
    assert _check(form=MultiDict(FORM))


@pytest.mark.parametrize("signature", [None, "", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "ö" * 28, "x"])
def test_a_missing_or_wrong_signature_is_refused(signature: str | None) -> None:
    assert not _check(signature=signature)


@pytest.mark.parametrize("path_qs", [ORIGIN + ":8443" + PATH, "*", ""])
def test_a_request_line_without_a_path_is_refused(path_qs: str) -> None:
    assert not _check(origin=ORIGIN + ":8443", path_qs=path_qs)


def test_a_changed_field_is_refused() -> None:
    assert not _check(form={**FORM, "Digits": "1235"})


def test_an_added_field_is_refused() -> None:
    assert not _check(form={**FORM, "MessageStatus": "delivered"})


def test_another_path_is_refused() -> None:
    assert not _check(path_qs="/myapp.php?foo=1&bar=3")


def test_another_origin_is_refused() -> None:
    assert not _check(origin="https://elsewhere.example.org")


def test_another_token_is_refused() -> None:
    assert not _check(tokens=("54321",))


@pytest.mark.parametrize("tokens", [("old", TOKEN), (TOKEN, "new")])
def test_while_the_token_is_being_changed_both_count(tokens: tuple[str, ...]) -> None:
    assert _check(tokens=tokens)


def test_without_any_token_nothing_is_valid() -> None:
    assert not _check(tokens=())


def test_an_empty_token_is_not_taken() -> None:
    with pytest.raises(ValueError, match="auth token is empty"):
        _check(tokens=(TOKEN, ""))
