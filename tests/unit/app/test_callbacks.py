"""The composed installation believes callbacks that the account's token signed, this one or the one before."""

from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from isocket.app.house import open_house
from isocket.app.roles import Roles
from isocket.app.settings import load_settings
from isocket.app.settings_sources import SettingsError

ACCOUNT = {
    "ISOCKET_TWILIO_ACCOUNT_SID": "AC1",
    "ISOCKET_TWILIO_AUTH_TOKEN": "the token",
    "ISOCKET_TWILIO_FROM": "+447700900100",
}
PREVIOUS = {"ISOCKET_TWILIO_AUTH_TOKEN_PREVIOUS": "the one before"}


@pytest.mark.parametrize(
    ("settings", "token", "status"),
    [
        (ACCOUNT, "the token", 404),
        (ACCOUNT, "the one before", 403),
        (ACCOUNT | PREVIOUS, "the token", 404),
        (ACCOUNT | PREVIOUS, "the one before", 404),
        (ACCOUNT | PREVIOUS, "another", 403),
        ({}, "the token", 403),
    ],
)
@pytest.mark.parametrize("path", ["/hooks/twilio/status/att_1", "/hooks/twilio/voice/att_1"])
async def test_a_callback_about_nothing_is_not_found_and_a_forged_one_forbidden(
    tmp_path: Path, settings: dict[str, str], token: str, status: int, path: str
) -> None:
    port = unused_port()
    here = {"ISOCKET_DATA_DIR": str(tmp_path / "var"), "ISOCKET_HTTP": f"127.0.0.1:{port}"}
    form, app = {"CallSid": "CA1", "CallStatus": "ringing"}, web.Application()
    async with open_house(load_settings(here | settings), may_be_new=True) as house:
        app.add_routes(Roles(house)._callbacks(push_key="not of any use here"))
        async with TestServer(app, host="127.0.0.1", port=port), ClientSession() as session:
            url = f"http://127.0.0.1:{port}{path}"
            for signed in (url, f"{url}#rc=3&rp=all"):
                signature = RequestValidator(token).compute_signature(signed, form)
                async with session.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
                    assert answer.status == status


@pytest.mark.parametrize("alone", [PREVIOUS, {"ISOCKET_TWILIO_VOICE_FROM": "+447700900101"}])
def test_what_belongs_to_an_account_is_refused_without_one(alone: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="need an account"):
        load_settings(alone)
