"""A user name is one plain e-mail address."""

import pytest
from pydantic import TypeAdapter, ValidationError

from portal_api.usernames import Language, TimeZone, Username

USERNAME: TypeAdapter[str] = TypeAdapter(Username)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("maija@example.org", "maija@example.org"),
        (" Maija.M@Example.ORG ", "Maija.M@example.org"),
        ("a+tag@mail.test", "a+tag@mail.test"),
        ("me@localhost", "me@localhost"),
        ("Me@Server.LOCAL", "Me@server.local"),
        ("maija@hälytys.example.org", "maija@xn--hlytys-bua.example.org"),
    ],
)
def test_an_address_is_kept_as_typed_but_for_its_domain(typed: str, kept: str) -> None:
    assert USERNAME.validate_python(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "maija",
        "@localhost",
        "a@.local",
        "@example.org",
        "maija@",
        "a@b@example.org",
        "a@example.org,b@example.org",
        "Maija <maija@example.org>",
        "maija@example.org\r\nBcc: b@example.org",
        "ma ija@example.org",
        '"maija"@example.org',
        "maija@[192.0.2.7]",
        "m\u0131ke@example.org",
        "\u017fam@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 63 + "." + ("c" * 63 + ".") * 3 + "org",
    ],
)
def test_anything_but_one_plain_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        USERNAME.validate_python(typed)


@pytest.mark.parametrize("tag", ["en", "fi-FI", "nn-NO", "de-Latn-CH"])
def test_a_language_tag_is_accepted(tag: str) -> None:
    assert TypeAdapter(Language).validate_python(tag) == tag


@pytest.mark.parametrize("tag", ["", "english please", "../en", "EN", "zh-Hant-TW", "fr"])
def test_what_is_no_language_of_ours_is_refused(tag: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Language).validate_python(tag)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "europe/helsinki", ""])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    assert TypeAdapter(TimeZone).validate_python("Europe/Helsinki") == "Europe/Helsinki"
    with pytest.raises(ValidationError):
        TypeAdapter(TimeZone).validate_python(name)
