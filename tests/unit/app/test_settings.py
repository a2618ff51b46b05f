"""Settings: where they come from, and what a person is told who gets one wrong."""

import re
from pathlib import Path

import pytest

from isocket.app.addresses import HostPort
from isocket.app.room_settings import broker_config
from isocket.app.settings import Settings, load_settings
from isocket.app.settings_sources import SettingsError
from isocket.app.settings_table import settings_markdown, settings_table


def faults(**environ: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return str(refused.value)


def faults_if_any(**environ: str) -> tuple[str, ...]:
    try:
        load_settings(environ)
    except SettingsError as error:
        return error.faults
    return ()


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


def test_beside_an_unknown_name_each_value_that_cannot_be_is_said_as_well() -> None:
    said = faults(ISOCKET_HTPP="x", ISOCKET_BCRYPT_COST="x", ISOCKET_SMS_PER_S="x").splitlines()
    assert [line.partition(" ")[0].rstrip(":") for line in said] == [
        "ISOCKET_HTPP",
        "ISOCKET_SMS_PER_S",
        "ISOCKET_BCRYPT_COST",
    ]


def test_a_file_that_cannot_be_read_is_not_also_called_a_value_that_is_missing() -> None:
    said = faults(ISOCKET_TWILIO_ACCOUNT_SID="AC1", ISOCKET_TWILIO_FROM="iSocket", ISOCKET_TWILIO_AUTH_TOKEN_FILE="/no")
    assert [line.partition(":")[0] for line in said.splitlines()] == ["ISOCKET_TWILIO_AUTH_TOKEN_FILE"]


def test_a_name_near_to_none_is_answered_with_where_to_look() -> None:
    assert "`isocket settings`" in faults(ISOCKET_QQQQ="x")


def test_every_wrong_setting_is_named_at_once() -> None:
    said = faults(ISOCKET_HTTP="8080", ISOCKET_BCRYPT_COST="9")
    assert "ISOCKET_HTTP: '8080' is no address to listen on: write host:port" in said
    assert "ISOCKET_BCRYPT_COST: this is no whole number from 10 to 16: write one in digits, such as 12" in said


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_broker_on_this_machine_needs_no_login(host: str) -> None:
    assert load_settings({"ISOCKET_BROKER_URL": f"mqtt://{host}:1883"}).broker_url is not None


@pytest.mark.parametrize("url", ["mqtt://bridge@127.0.0.1:1883", "mqtt://:geheim@127.0.0.1:1883", "mqtt://192.0.2.1"])
def test_half_a_login_or_none_at_a_broker_elsewhere_is_refused(url: str) -> None:
    assert "user and secret are missing" in faults(ISOCKET_BROKER_URL=url)


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
        "999.1.1.1:80",
        "1.2.3:80",
        "127.1:80",
        "2130706433:80",
        "01.2.3.4:80",
        "\uff11\uff12\uff17.0.0.1:80",
        "*:80",
        "a..b:80",
    ],
)
def test_nothing_listens_where_there_is_no_such_port_or_host(name: str, where: str) -> None:
    assert f"{name}: {where!r} is no address to listen on: write host:port" in faults(**{name: where})


@pytest.mark.parametrize(
    "where",
    ["127.0.0.1:1", "[::1]:65535", "0.0.0.0:80", "localhost:8080", "[fe80::1%br-lan.2]:80", "cloud_1:80", "1.de:80"],
)
def test_every_other_port_is_one(where: str) -> None:
    assert str(load_settings({"ISOCKET_HTTP": where}).http) == where


def test_port_0_of_a_broker_is_not_taken_for_the_usual_one() -> None:
    said = faults(ISOCKET_BROKER_URL="mqtt://a:geheim@h:0")
    assert said.startswith("ISOCKET_BROKER_URL: nothing can be reached at port 0: write mqtts://")
    assert "geheim" not in said


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://a:geheim@999.1.1.1:1883",
        "mqtt://a:geheim@[zzz]:1883",
        "mqtt://a:geheim@[127.0.0.1]",
        "mqtts://a:geheim@a b",
        "mqtts://a:b@geheim*",
    ],
)
def test_a_broker_is_not_looked_for_where_there_is_no_such_host(url: str) -> None:
    said = faults(ISOCKET_BROKER_URL=url)
    assert ("ISOCKET_BROKER_URL: " in said, "write mqtts://user:secret@" in said, "geheim" in said) == (
        True,
        True,
        False,
    )
    assert load_settings({"ISOCKET_BROKER_URL": "mqtt://a:geheim@[::1]"}).broker_url is not None


@pytest.mark.parametrize("name", ["PUBLIC_URL", "TWILIO_BASE_URL", "ELKS_BASE_URL", "HEARTBEAT_URL", "SMTP_URL"])
def test_no_other_address_leads_to_a_host_that_cannot_be(name: str) -> None:
    scheme = "smtp" if name == "SMTP_URL" else "https"
    assert faults(**{f"ISOCKET_{name}": f"{scheme}://999.1.1.1/"}).startswith(f"ISOCKET_{name}: ")
    load_settings({f"ISOCKET_{name}": f"{scheme}://192.0.2.1/"})


NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in {int, float}]


@pytest.mark.parametrize("number", ["-1", "nan", "inf", "99999999999999999999"])
def test_no_number_is_without_bounds(number: str) -> None:
    assert len(NUMBERS) >= 20
    for name in (*NUMBERS, "spending_cap", "spending_reserve"):
        variable = f"ISOCKET_{name.upper()}"
        assert faults(**{variable: number}).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    "number", ["1_1", "1 1", "\uff11\uff12", "\u0661\u0662", "1e1", "0x10", "twelve", "12,0", "1_1.0"]
)
def test_a_number_is_written_in_digits(number: str) -> None:
    for name in (*NUMBERS, "spending_cap", "spending_reserve"):
        variable = f"ISOCKET_{name.upper()}"
        assert re.match(f"{variable}: (this is no (whole )?number|write an amount)", faults(**{variable: number}))


@pytest.mark.parametrize("number", ["12", " 12 ", "+12", "012", "12.0"])
def test_a_number_may_be_written_in_several_ways(number: str) -> None:
    settings = load_settings({"ISOCKET_BCRYPT_COST": number, "ISOCKET_SMS_PER_S": number})
    assert (settings.bcrypt_cost, settings.sms_per_s) == (12, 12.0)


def test_what_is_wrong_with_a_number_says_between_what_it_lies_and_gives_one() -> None:
    said = faults(ISOCKET_OUTAGE_SHARE_PCT="0", ISOCKET_SMS_PER_S="10001", ISOCKET_REPORTS_DAYS="31.5").splitlines()
    assert "ISOCKET_OUTAGE_SHARE_PCT: this is no number above 0, up to 100: write one in digits, such as 30" in said
    assert "ISOCKET_SMS_PER_S: this is no number from 0 to 10000: write one in digits, such as 10" in said
    assert "ISOCKET_REPORTS_DAYS: this is no whole number from 31 to 3660: write one in digits, such as 400" in said


@pytest.mark.parametrize(
    "sender",
    [
        "no-reply@example.org",
        "iSocket <no-reply@localhost>",
        '"Example, Ltd" <no-reply@example.org>',
        "Käse <k@b.example>",
    ],
)
def test_mails_come_from_a_mailbox_with_a_name_or_without(sender: str) -> None:
    assert load_settings({"ISOCKET_MAIL_FROM": sender}).mail_from == sender


@pytest.mark.parametrize(
    "sender", ["nonsense", "a@b.example, c@d.example", "Example, Ltd <a@b.example>", "a b@c", "<>", "a@b\nTo: c@d"]
)
def test_what_is_no_sender_of_mails_is_refused(sender: str) -> None:
    assert faults(ISOCKET_MAIL_FROM=sender).startswith(
        "ISOCKET_MAIL_FROM: this is no sender of mails: write one mailbox"
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("pop://u:geheim@mail.example.org", "neither with smtp:// nor smtps://"),
        ("smtp://u:geheim@", "names no host"),
        ("smtp://geheim@mail.example.org", "a user or a password, not both"),
        ("smtp://geheim*", "its host is neither a name nor an IP address"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_refused_without_showing_its_address(url: str, why: str) -> None:
    said = faults(ISOCKET_SMTP_URL=url)
    assert ("ISOCKET_SMTP_URL: " in said, why in said, "geheim" in said) == (True, True, False)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("mailto:security@localhost", None),
        ("mailto:security@example.org?subject=iSocket", None),
        ("mailto:security@example.org,cert@example.org", None),
        ("https://example.org/security", None),
        ("tel:+358-40-123-4567", None),
        ("security@example.org", "mailto:security@example.org"),
    ],
)
def test_a_security_hole_is_reported_by_mail_on_a_page_or_by_telephone(given: str, kept: str | None) -> None:
    assert load_settings({"ISOCKET_SECURITY_CONTACT": given}).security_contact == (kept or given)


@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "mailto:nonsense",
        "http://example.org/security",
        "https:///security",
        "https://999.1.1.1/",
        "https://[zzz/",
        "tel:112233",
        "ftp://example.org",
        "mailto:security@example.org\nExpires: never",
    ],
)
def test_where_nobody_is_reached_no_security_hole_is_reported(given: str) -> None:
    said = faults(ISOCKET_SECURITY_CONTACT=given)
    assert said.startswith(
        "ISOCKET_SECURITY_CONTACT: nobody is reached by this: write mailto:security@example.org, https:"
    )


KINDLY = re.compile(
    r"ISOCKET_[A-Z0-9_]+(: |=|, _| and _)(?!.*(Input should|Value error|pydantic|valid (string|integer|number))).+"
)


@pytest.mark.parametrize(
    "value", ["nonsense", " ", "-1", "a\x00b", "\udcff", "1_1", "://", "[", "@", "1.5", "x" * 5000]
)
def test_every_setting_is_taken_or_refused_in_words_for_people(value: str) -> None:
    for name in Settings.model_fields:
        said = faults_if_any(**{f"ISOCKET_{name.upper()}": value})
        assert all(KINDLY.fullmatch(line) for line in said), said


@pytest.mark.parametrize(
    "value", ["true", "12", "1.5", "nan", "[]", "[1]", '["a", "b"]', "{a = 1}", "2026-01-01", '""', '"\\u0000"']
)
def test_what_is_of_another_kind_in_a_toml_file_is_taken_or_refused_in_words_too(tmp_path: Path, value: str) -> None:
    config = tmp_path / "isocket.toml"
    for name in Settings.model_fields:
        config.write_text(f"{name} = {value}\n")
        said = faults_if_any(ISOCKET_CONFIG=str(config))
        assert all(KINDLY.fullmatch(line) for line in said), said


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bcrypt_cost = true", "BCRYPT_COST: this is no whole number"),
        ("sms_per_s = nan", "SMS_PER_S: this is no number from 0"),
        ('data_dir = ["a", "b"]', "DATA_DIR: this is a list: write one value"),
        ('store = ""', "STORE: this is empty: leave it out, or give it a value"),
        ("controller = 12", "CONTROLLER: this is no text: write it in quotes"),
        ('webhook_targets = "all"', "WEBHOOK_TARGETS: this is no word for it: write internet or loopback"),
        ('currency = "Euro"', "CURRENCY: this is no currency: write its three capital letters, such as EUR"),
        ('controller = "a\\u0000"', "CONTROLLER: there is a character in it that cannot be shown"),
        ('smtp_url_file = "a\\u0000"', "cannot be read: embedded null byte."),
    ],
)
def test_what_a_setting_cannot_be_is_said(tmp_path: Path, line: str, why: str) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text(line + "\n")
    assert why in faults(ISOCKET_CONFIG=str(config))


def test_a_file_with_nothing_in_it_is_not_taken_for_no_setting(tmp_path: Path) -> None:
    (tmp_path / "smtp").touch()
    said = faults(ISOCKET_SMTP_URL_FILE=str(tmp_path / "smtp"))
    assert said == "ISOCKET_SMTP_URL: this is empty: leave it out, or give it a value"


def test_what_may_be_nothing_may_be_empty_where_that_can_be_written(tmp_path: Path) -> None:
    config = tmp_path / "isocket.toml"
    config.write_text('prices = ""\nsms_provider_country = []\ntrusted_proxies = []\ntransfer_safeguard = ""\n')
    settings = load_settings({"ISOCKET_CONFIG": str(config)})
    assert (settings.prices, settings.sms_provider_country, settings.trusted_proxies) == ("", "", ())


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


@pytest.mark.parametrize("name", ["ISOCKET_STORE", "ISOCKET_ERASURE_LEDGER"])
def test_a_folder_is_not_taken_for_a_file(tmp_path: Path, name: str) -> None:
    assert faults(**{name: str(tmp_path)}) == f"{name}: {tmp_path} is a folder: write the path of a file"
    load_settings({name: str(tmp_path / "file")})
    assert faults(**{name: "x" * 5000}) == f"{name}: no file can be there: File name too long"


def test_a_certificate_or_key_of_the_broker_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    given = {"ISOCKET_MQTT_TLS": "127.0.0.1:8883", "ISOCKET_MQTT_TLS_KEY": str(tmp_path / "key")}
    nowhere = load_settings({**given, "ISOCKET_MQTT_TLS_CERTIFICATE": str(tmp_path / "certificate")})
    with pytest.raises(SettingsError) as refused:
        broker_config(nowhere)
    why = f"ISOCKET_MQTT_TLS_CERTIFICATE: {tmp_path}/certificate cannot be read: No such file or directory."
    assert refused.value.faults == (why,)
    there = load_settings({**given, "ISOCKET_MQTT_TLS_CERTIFICATE": str(tmp_path / "key")})
    assert broker_config(there).tls is not None
