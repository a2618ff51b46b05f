"""Where messages end up: with a provider, on a desk that can be opened, or visibly nowhere."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from isocket.app.channels import KINDS, Channels, kinds_that_arrive
from isocket.app.room_settings import portal_routes, portal_settings
from isocket.app.settings import load_settings
from isocket.app.settings_sources import SettingsError
from isocket.domain.contacts import ChannelKind
from isocket.kit.clock import SystemClock
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api.rendering import DESK_PATH

HERE = {"ISOCKET_HTTP": "127.0.0.1:8080"}
BEHIND_A_PROXY = {**HERE, "ISOCKET_PUBLIC_URL": "https://cloud.example.org"}
EVERYWHERE = {"ISOCKET_HTTP": "0.0.0.0:8080"}
BY_NAME = {**EVERYWHERE, "ISOCKET_PUBLIC_URL": "http://localhost:8080"}
MAIL = {"ISOCKET_SMTP_URL": "smtp://mail.example.org:25"}
TWILIO = {
    "ISOCKET_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "ISOCKET_TWILIO_AUTH_TOKEN": "a token",
    "ISOCKET_TWILIO_FROM": "+447700900100",
}
BY_NAME_ONLY = {**TWILIO, "ISOCKET_TWILIO_FROM": "iSocket"}
ON_THE_DESK = frozenset({ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.EMAIL})
ELKS = {
    "ISOCKET_ELKS_USERNAME": "u1",
    "ISOCKET_ELKS_PASSWORD": "a password",
    "ISOCKET_ELKS_FROM": "+46700000000",
}
PHONE = frozenset({ChannelKind.SMS, ChannelKind.VOICE})


def has_desk(environ: dict[str, str]) -> bool:
    return DESK_PATH in {each.template for each in portal_routes(load_settings(environ))}


@pytest.mark.parametrize("public", ["", "http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_the_desk_is_there_where_only_this_machine_can_open_it(public: str) -> None:
    assert has_desk({**HERE, **({"ISOCKET_PUBLIC_URL": public} if public else {})})


@pytest.mark.parametrize("environ", [BEHIND_A_PROXY, EVERYWHERE, BY_NAME], ids=["proxy", "everywhere", "by name"])
def test_there_is_no_desk_where_a_proxy_or_another_machine_may_lead_strangers_to_it(environ: dict[str, str]) -> None:
    assert not has_desk(environ)


@pytest.mark.parametrize(
    ("environ", "kinds"),
    [
        (HERE, ON_THE_DESK),
        ({**HERE, **MAIL}, ON_THE_DESK),
        (BEHIND_A_PROXY, frozenset()),
        ({**BEHIND_A_PROXY, **MAIL}, {ChannelKind.EMAIL}),
        ({**EVERYWHERE, **MAIL}, {ChannelKind.EMAIL}),
        ({**EVERYWHERE, **TWILIO}, PHONE),
        ({**EVERYWHERE, **ELKS}, {ChannelKind.SMS}),
        ({**EVERYWHERE, **BY_NAME_ONLY}, {ChannelKind.SMS}),
        ({**EVERYWHERE, **BY_NAME_ONLY, "ISOCKET_TWILIO_VOICE_FROM": "+447700900101"}, PHONE),
    ],
)
def test_a_kind_without_provider_and_desk_is_no_channel(environ: dict[str, str], kinds: frozenset[ChannelKind]) -> None:
    settings = load_settings(environ)
    records, key = StoredRecords(MemoryDocuments()), generate_private_key(SECP256R1())
    made = Channels.from_settings(settings, records=records, clock=SystemClock(), push_key=key)
    expected = kinds | {ChannelKind.PUSH, ChannelKind.WEBHOOK}  # these need no provider
    assert (frozenset(made.in_order), kinds_that_arrive(settings)) == (expected, expected)


@pytest.mark.parametrize("more", [{}, TWILIO, ELKS, BY_NAME_ONLY, MAIL, TWILIO | ELKS | MAIL])
def test_the_portal_knows_every_provider_by_the_name_by_which_alerts_note_how_it_does(more: dict[str, str]) -> None:
    settings = load_settings({**BEHIND_A_PROXY, **more})
    records, key = StoredRecords(MemoryDocuments()), generate_private_key(SECP256R1())
    made = Channels.from_settings(settings, records=records, clock=SystemClock(), push_key=key)
    named = {kind: tuple(each.name for each in made.in_order[kind]) for kind in KINDS if kind in made.in_order}
    assert portal_settings(settings).providers == named


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        (TWILIO | ELKS, ("twilio", "46elks")),
        (ELKS, ("46elks",)),
        ({}, ("desk",)),
    ],
    ids=["both", "one", "none"],
)
def test_of_several_providers_the_preferred_comes_first_and_the_desk_only_without_any(
    environ: dict[str, str], names: tuple[str, ...]
) -> None:
    settings = load_settings({**HERE, **environ})
    records, key = StoredRecords(MemoryDocuments()), generate_private_key(SECP256R1())
    made = Channels.from_settings(settings, records=records, clock=SystemClock(), push_key=key)
    assert tuple(each.name for each in made.in_order[ChannelKind.SMS]) == names


def test_the_desk_is_there_as_long_as_one_kind_has_no_provider() -> None:
    assert has_desk({**HERE, **BY_NAME_ONLY, **MAIL})
    assert not has_desk({**HERE, **TWILIO, **MAIL})


@pytest.mark.parametrize("name", ELKS)
def test_half_an_account_at_46elks_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="ISOCKET_ELKS_USERNAME"):
        load_settings({**HERE, name: ELKS[name]})
