"""The demonstration reaches nobody, whatever is set up: its texts and calls would cost money."""

from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from isocket.app.channels import providers_of
from isocket.app.demo import ELSEWHERE, on_this_machine
from isocket.app.settings import Settings
from isocket.domain.contacts import ChannelKind

EVERYTHING: dict[str, Any] = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "token",
    "twilio_from": "+15005550006",
    "twilio_voice_from": "+15005550006",
    "elks_username": "u" + "0" * 32,
    "elks_password": "secret",
    "elks_from": "iSocket",
    "smtp_url": "smtps://user:secret@mail.example.org:465",
    "heartbeat_url": "https://alive.example.org/ping",
    "broker_url": "mqtts://user:secret@broker.example.org:8883",
    "public_url": "https://cloud.example.org",
}


def test_no_provider_no_other_broker_and_no_heartbeat_is_left(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "sms_per_s": 3, **EVERYTHING})
    plain = Settings.model_validate({"data_dir": tmp_path, "sms_per_s": 3})
    assert providers_of(settings)[ChannelKind.SMS] == ("twilio", "46elks")
    here = on_this_machine(settings)
    assert here == plain
    assert not {ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.EMAIL} & providers_of(here).keys()


def test_nothing_is_left_that_opens_a_door_elsewhere_whichever_provider_comes_to_them() -> None:
    secrets = {name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)}
    assert "elks_password" in secrets
    assert {name for name in secrets if not name.startswith(ELSEWHERE)} == set()
