"""Settings: where they come from, and what a person is told who gets one wrong."""

from pathlib import Path

import pytest

from isocket.app.addresses import HostPort
from isocket.app.settings import Settings, load_settings
from isocket.app.settings_sources import SettingsError
from isocket.app.settings_table import settings_markdown, settings_table


def faults(**environ: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return str(refused.value)


def test_without_any_setting_everything_stays_on_this_machine() -> None:
    settings = load_settings({})
    assert settings.http.is_loopback
    assert settings.mqtt.is_loopback
    assert settings.origin == "http://127.0.0.1:8080"
    assert settings.store_file == Path("var/isocket.sqlite")


def test_a_variable_sets_a_setting() -> None:
    assert load_settings({"ISOCKET_HTTP": "[::1]:9000"}).http == HostPort(host="::1", port=9000)


def test_variables_of_other_programs_are_none_of_ours() -> None:
    assert load_settings({"SOCKET_HTTP": "x", "HOME": "/"}) == Settings()


def test_an_unknown_name_stops_the_start_and_the_nearest_is_named() -> None:
    assert faults(ISOCKET_HTPP="x") == "ISOCKET_HTPP is not a setting: perhaps ISOCKET_HTTP is meant."


def test_a_name_near_to_none_is_answered_with_where_to_look() -> None:
    assert "`isocket settings`" in faults(ISOCKET_QQQQ="x")


def test_every_wrong_setting_is_named_at_once() -> None:
    said = faults(ISOCKET_HTTP="8080", ISOCKET_BCRYPT_COST="9")
    assert "ISOCKET_HTTP: '8080' is no address to listen on: write host:port" in said
    assert "ISOCKET_BCRYPT_COST: Input should be greater than or equal to 10" in said


def test_a_value_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "smtp"
    secret.write_text("smtps://user:geheim@mail.example.org\n")
    settings = load_settings({"ISOCKET_SMTP_URL_FILE": str(secret)})
    assert settings.smtp_url is not None
    assert settings.smtp_url.get_secret_value() == "smtps://user:geheim@mail.example.org"


def test_a_file_that_is_not_there_is_named() -> None:
    said = faults(ISOCKET_SMTP_URL_FILE="/nowhere/smtp")
    assert said == "ISOCKET_SMTP_URL_FILE: /nowhere/smtp cannot be read: No such file or directory."


def test_a_value_and_its_file_together_are_refused(tmp_path: Path) -> None:
    said = faults(ISOCKET_SMTP_URL="smtp://127.0.0.1", ISOCKET_SMTP_URL_FILE=str(tmp_path))
    assert said == "ISOCKET_SMTP_URL and ISOCKET_SMTP_URL_FILE are both given: leave one out."


def test_many_settings_may_stand_in_a_toml_file(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text('http = "0.0.0.0:80"\nbcrypt_cost = 13\ntrusted_proxies = ["10.0.0.0/8", "fd00::/8"]\n')
    settings = load_settings({"ISOCKET_CONFIG": str(config)})
    assert (str(settings.http), settings.bcrypt_cost, len(settings.trusted_proxies)) == ("0.0.0.0:80", 13, 2)


def test_countries_are_known_ones() -> None:
    assert load_settings({"ISOCKET_SMS_COUNTRIES": "fi, SE,fi"}).sms_countries == ("FI", "SE")
    assert "ISOCKET_SMS_COUNTRIES: write countries by their two letters" in faults(ISOCKET_SMS_COUNTRIES="FI,Sweden")


@pytest.mark.parametrize("day", ["02-30", "04-31", "13-01", "2024-12-31", "1231", "\u0661\u0662-31"])
def test_a_financial_year_ends_on_a_day_that_there_is(day: str) -> None:
    assert "ISOCKET_FINANCIAL_YEAR_END: write month and day" in faults(ISOCKET_FINANCIAL_YEAR_END=day)
    assert load_settings({"ISOCKET_FINANCIAL_YEAR_END": "02-29"}).financial_year_end == "02-29"


def test_the_environment_wins_over_the_toml_file(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text("bcrypt_cost = 13\n")
    assert load_settings({"ISOCKET_CONFIG": str(config), "ISOCKET_BCRYPT_COST": "11"}).bcrypt_cost == 11


def test_an_unknown_name_in_the_toml_file_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text("bcript_cost = 13\n")
    assert faults(ISOCKET_CONFIG=str(config)) == "bcript_cost is not a setting: perhaps bcrypt_cost is meant."


def test_a_toml_file_may_call_settings_by_their_whole_names(tmp_path: Path) -> None:
    config, secret = tmp_path / "isocket.toml", tmp_path / "smtp"
    secret.write_text("smtp://127.0.0.1:2525\n")
    config.write_text(f'ISOCKET_BCRYPT_COST = 13\nISOCKET_HTTP = "0.0.0.0:80"\nISOCKET_SMTP_URL_FILE = "{secret}"\n')
    settings = load_settings({"ISOCKET_CONFIG": str(config)})
    assert (str(settings.http), settings.bcrypt_cost, settings.smtp_url is not None) == ("0.0.0.0:80", 13, True)


def test_a_setting_called_by_both_its_names_in_a_toml_file_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text("bcrypt_cost = 13\nISOCKET_BCRYPT_COST = 14\n")
    said = faults(ISOCKET_CONFIG=str(config))
    assert said == "bcrypt_cost and ISOCKET_BCRYPT_COST are both given: leave one out."


def test_a_toml_file_that_is_broken_is_named(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text("http = \n")
    assert faults(ISOCKET_CONFIG=str(config)).startswith(f"ISOCKET_CONFIG: {config} cannot be read: ")


@pytest.mark.clause("C5-07")
def test_secrets_would_not_travel_in_clear_to_other_machines_by_mistake() -> None:
    assert "ISOCKET_MQTT_PLAIN=anywhere" in faults(ISOCKET_MQTT="0.0.0.0:1883")
    load_settings({"ISOCKET_MQTT": "0.0.0.0:1883", "ISOCKET_MQTT_PLAIN": "anywhere"})


@pytest.mark.parametrize(
    "some",
    [
        {"ISOCKET_TWILIO_FROM": "+447700900001"},
        {"ISOCKET_TWILIO_ACCOUNT_SID": "AC1", "ISOCKET_TWILIO_AUTH_TOKEN": "t"},
        {"ISOCKET_MQTT_TLS": "0.0.0.0:8883"},
    ],
)
def test_settings_that_belong_together_are_refused_apart(some: dict[str, str]) -> None:
    assert "belong together" in faults(**some)


@pytest.mark.parametrize(
    "url", ["mqtt://broker.example.org", "http://a:geheim@h", "mqtt://a:geheim@h:port", "mqtt://a:geheim@h/x"]
)
def test_a_brokers_address_without_login_or_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    said = faults(ISOCKET_BROKER_URL=url)
    assert "write mqtts://user:secret@broker.example.org:8883" in said
    assert "geheim" not in said


@pytest.mark.parametrize("name", ["ISOCKET_HTTP", "ISOCKET_MQTT", "ISOCKET_MQTT_TLS"])
@pytest.mark.parametrize(
    "where",
    [
        "127.0.0.1:0",
        "[::1]:0",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:80",
        "http://h:80",
        "a b:80",
        ":80",
        "h:",
        "[zzz]:80",
        "[::g]:8",
        "[%]:8",
        "[::1%]:8",
        "[::1/64]:8",
        "[127.0.0.1]:80",
        "[]:80",
    ],
)
def test_nothing_listens_where_there_is_no_such_port_or_host(name: str, where: str) -> None:
    assert f"{name}: {where!r} is no address to listen on: write host:port" in faults(**{name: where})


@pytest.mark.parametrize(
    "where", ["127.0.0.1:1", "[::1]:65535", "0.0.0.0:80", "localhost:8080", "[fe80::1%br-lan.2]:80"]
)
def test_every_other_port_is_one(where: str) -> None:
    assert str(load_settings({"ISOCKET_HTTP": where}).http) == where


def test_port_0_of_a_broker_is_not_taken_for_the_usual_one() -> None:
    said = faults(ISOCKET_BROKER_URL="mqtt://a:geheim@h:0")
    assert said.startswith("ISOCKET_BROKER_URL: nothing can be reached at port 0: write mqtts://")
    assert "geheim" not in said


@pytest.mark.parametrize("number", ["-1", "nan", "inf", "99999999999999999999"])
def test_no_number_is_without_bounds(number: str) -> None:
    numbers = [name for name, field in Settings.model_fields.items() if field.annotation in {int, float}]
    assert len(numbers) >= 20
    for name in (*numbers, "spending_cap", "spending_reserve"):
        variable = f"ISOCKET_{name.upper()}"
        assert faults(**{variable: number}).startswith(f"{variable}: ")


@pytest.mark.parametrize("url", ["cloud.example.org", "ftp://cloud.example.org", "https://a@cloud.example.org"])
def test_a_public_address_that_is_none_is_refused(url: str) -> None:
    assert faults(ISOCKET_PUBLIC_URL=url).startswith("ISOCKET_PUBLIC_URL: ")


def test_a_slash_at_the_end_of_the_public_address_does_not_matter() -> None:
    assert load_settings({"ISOCKET_PUBLIC_URL": "https://cloud.example.org/"}).origin == "https://cloud.example.org"


def test_no_secret_shows_in_the_text_of_the_settings() -> None:
    settings = load_settings(
        {
            "ISOCKET_BROKER_URL": "mqtt://bridge:geheim@h:1883",
            "ISOCKET_SMTP_URL": "smtp://user:geheim@h",
            "ISOCKET_TWILIO_ACCOUNT_SID": "AC1",
            "ISOCKET_TWILIO_AUTH_TOKEN": "geheim",
            "ISOCKET_TWILIO_FROM": "MG1",
        }
    )
    assert "geheim" not in repr(settings)


def test_the_table_describes_every_setting() -> None:
    rows = settings_table()
    assert {name for name, _, _ in rows} == {f"ISOCKET_{name.upper()}" for name in Settings.model_fields}
    assert all(meaning for _, _, meaning in rows)
    assert "| `ISOCKET_BCRYPT_COST` | `12` |" in settings_markdown()


def test_the_example_for_one_machine_is_accepted() -> None:
    example = Path(__file__).parents[3] / "deploy" / "isocket.toml"
    settings = load_settings({"ISOCKET_CONFIG": str(example)})
    assert (settings.origin, settings.mqtt.is_loopback) == ("https://cloud.example.org", True)


@pytest.mark.parametrize(("given", "kept"), [("de", "DE"), (" US, IE,us", "US, IE"), ("Germany", None), ("XX", None)])
@pytest.mark.parametrize("name", ["ISOCKET_SMS_PROVIDER_COUNTRY", "ISOCKET_MAIL_PROVIDER_COUNTRY"])
def test_where_providers_are_is_written_in_letters_that_name_a_country(name: str, given: str, kept: str | None) -> None:
    if kept is None:
        said = faults(**{name: given})
        assert f"{name}: {given} is no country of ISO 3166: write its two letters" in said
        return
    settings = load_settings({name: given})
    kept_in = {"ISOCKET_SMS_PROVIDER_COUNTRY": "sms_provider_country"}.get(name, "mail_provider_country")
    assert getattr(settings, kept_in) == kept


def test_how_the_operator_is_reached_is_checked_and_kept_in_one_form() -> None:
    settings = load_settings(
        {"ISOCKET_OPERATOR_EMAIL": " ops@Example.org ", "ISOCKET_OPERATOR_PHONE": "+44 7700 900123"}
    )
    assert settings.operator_phone == "+447700900123"
    assert settings.operator_email == "ops@example.org"
    said = faults(
        ISOCKET_OPERATOR_EMAIL="ops", ISOCKET_OPERATOR_PHONE="0400123", ISOCKET_HEARTBEAT_URL="geheim.example.org"
    )
    assert "ISOCKET_OPERATOR_EMAIL: this is no e-mail address" in said
    assert "ISOCKET_OPERATOR_PHONE: this is no telephone number" in said
    assert "ISOCKET_HEARTBEAT_URL: this is no web address" in said
    assert "geheim" not in said
