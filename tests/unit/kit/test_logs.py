"""Nothing personal reaches the log, by whatever way it comes."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from isocket.kit.ids import derived_id, new_id
from isocket.kit.logs import configure_logs, get_logger, redact

CANARIES = {
    "email": "ada.love+alarm@example.org",
    "email in an address": "ada.love%40example.org",
    "phone": "+447700900123",
    "phone with spaces": "+44 7700 900 123",
    "phone in an address": "%2B447700900123",
    "bearer": "Bearer abcdefgh12345678",
    "basic": "Basic YWRhOnBhc3N3b3Jk",
    "password": "password=hunter2hunter2",
    "json secret": '"claim_code": "KX7P-33QD"',
    "token": "kP3vT0m9bX2cQ5rY8wZ1aD4fG7hJ6kL0nM3pS5uV8xA",
    "login in an address": "mqtts://ada:hunter2hunter2@mq.example.org:8883",
    "ipv4": "203.0.113.77",
    "ipv6": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "short ipv6": "peer=2001:db8::8a2e: gone",
    "ipv6 of a link": "fe80::1ff:fe23:4567:890a%eth0",
    "ipv4 as ipv6": "::ffff:203.0.113.77",
    "hardware": "02:00:5e:10:8a:2e",
    "phone at home": "07700 900123",
    "phone at home in one": "07700900123",
    "phone with brackets": "(+44)7700900123",
    "phone with a zero in brackets": "+44 (0)7700 900123",
    "phone by 00": "0044 7700 900123",
    "phone as a link": "tel:+447700900123",
    "phone by its name": '"phone": 447700900123',
    "quoted password": '{"password": "my hunter2 pass", "a": 1}',
    "password in python": "{'password': 'my hunter2', 'a': 1}",
    "password in json in json": r"{\"password\": \"my \\\" hunter2\"}",
    "password of words": "password=my hunter2 pass user=3",
    "cookies": "Cookie: a=b; session=hunter2",
    "foreign email": "jürgen@exämple.org",
    "quoted email": '"ada love"@example.org',
}
SECRET_PARTS = {
    "email": "ada.love",
    "email in an address": "ada.love",
    "phone": "900123",
    "phone with spaces": "900 123",
    "phone in an address": "900123",
    "bearer": "abcdefgh",
    "basic": "YWRhOn",
    "password": "hunter2",
    "json secret": "KX7P",
    "token": "kP3vT0",
    "login in an address": "hunter2",
    "ipv4": "113.77",
    "ipv6": "8a2e",
    "short ipv6": "8a2e",
    "ipv6 of a link": "890a",
    "ipv4 as ipv6": "203.0.113",  # not a few digits, which a timestamp may hold by chance
    "hardware": "8a",
    "phone at home": "900123",
    "phone at home in one": "900123",
    "phone with brackets": "900123",
    "phone with a zero in brackets": "900123",
    "phone by 00": "900123",
    "phone as a link": "900123",
    "phone by its name": "900123",
    "quoted password": "hunter2",
    "password in python": "hunter2",
    "password in json in json": "hunter2",
    "password of words": "hunter2",
    "cookies": "hunter2",
    "foreign email": "rgen",
    "quoted email": "love",
}


class PeculiarError(Exception):
    pass


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    configure_logs(level="DEBUG", stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def as_value(text: str) -> None:
    get_logger("room").info("something_happened", said=text)


def deep_inside(text: str) -> None:
    get_logger("room").info("something_happened", said={"a": [{"b": (text, {text})}]})


def as_a_key(text: str) -> None:
    get_logger("room").info("something_happened", said={text: 1})


def as_bound_context(text: str) -> None:
    get_logger("room").bind(said=text).warning("something_happened")


def as_an_object(text: str) -> None:
    get_logger("room").info("something_happened", said=PeculiarError(text))


def in_the_event_itself(text: str) -> None:
    get_logger("room").info(f"said {text} aloud")


def by_a_library(text: str) -> None:
    logging.getLogger("some.library").warning("said %s aloud", text)


def fail(text: str) -> None:
    raise PeculiarError(text)


def fail_twice(text: str) -> None:
    try:
        fail(text)
    except PeculiarError as error:
        raise RuntimeError("outer") from error


def as_an_exception(text: str) -> None:
    try:
        fail(text)
    except PeculiarError:
        get_logger("room").exception("something_failed")


def as_a_library_exception(text: str) -> None:
    try:
        fail_twice(text)
    except RuntimeError:
        logging.getLogger("some.library").exception("failed")


WAYS = [
    as_value, deep_inside, as_a_key, as_bound_context, as_an_object, in_the_event_itself, by_a_library,
    as_an_exception, as_a_library_exception,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("canary", CANARIES)
def test_no_personal_value_and_no_secret_reaches_the_log(
    stream: io.StringIO, canary: str, way: Callable[[str], None]
) -> None:
    way(CANARIES[canary])
    written = stream.getvalue()
    assert written  # the line is there
    assert SECRET_PARTS[canary] not in written


@pytest.mark.parametrize(
    "name", ["password", "secret", "token", "access_token", "authorization", "cookie", "claim_code"]
)
def test_what_is_named_a_secret_is_one(stream: io.StringIO, name: str) -> None:
    get_logger("room").info("something_happened", **{name: "hunter2"}, headers={name.title(): "hunter2"})
    assert stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("value", [447700900123, "447700900123", "7700 900 123"], ids=repr)
def test_what_is_named_a_phone_is_one(stream: io.StringIO, value: object) -> None:
    get_logger("room").info("something_happened", phone=value, contact={"mobile": value})
    assert "900" not in stream.getvalue()
    assert stream.getvalue().count("[phone]") == 2


@pytest.mark.parametrize(
    "text",
    [
        "10.11.12.0 and 127.0.0.1",
        "device_id=isk-01k9x2v7m4",
        "2026-11-22T12:00:00.123Z",
        "isocket/v1/3f/isk-01k9x2v7m4/state",
        "1795332960123",
        "aiohttp 3.14.5",
        "12:34:56",
        "2026-11-22 12:00:00.123+00:00",
        "[22/Nov/2026:12:00:00 +0000]",
        "01-02-2026 12:30",
        "ports 18083 and 08883",
        "mosquitto 2.0.11-1.2+deb12u2",
        "01928374-5566-7788-9900-112233445566",
        "tests/a.py::test_it",
        "listens on [::1]:8080",
        "took 0.123456789012 s",
        "+21.5 22.0 23.5",
        "1.5e+10",
        "[1795332960123, 1795332960124]",
    ],
)
def test_what_helps_the_operator_stays(text: str) -> None:
    assert redact(text) == text


def test_our_own_ids_stay() -> None:
    ids = [derived_id("dlv", number) for number in range(2_000)] + [new_id("inc") for _ in range(2_000)]
    assert [each for each in ids if redact(f"incident_id={each}") != f"incident_id={each}"] == []


def test_what_stands_beside_a_secret_stays() -> None:
    assert redact("token=abcdef was refused") == "token=[secret] was refused"
    assert redact("password=a b c user=3") == "password=[secret] user=3"


def test_addresses_are_cut_to_their_network() -> None:
    assert redact("from 203.0.113.77:5566") == "from 203.0.113.0:5566"


def test_a_line_cannot_be_forged(stream: io.StringIO) -> None:
    get_logger("room").info("something_happened", said='x"}\n{"event": "forged"}\r\x1b[2J\u2028')
    logging.getLogger("some.library").warning("first\nsecond")
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["something_happened", "first\nsecond"]
    assert all(" " <= sign <= "~" for line in lines for sign in line)


def test_a_line_says_when_who_and_how_grave(stream: io.StringIO) -> None:
    get_logger("alerts.judge").warning("incident_opened", incident_id="inc_1", count=3, test=False, cause=None)
    line: dict[str, Any] = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "incident_opened",
        "level": "warning",
        "logger": "alerts.judge",
        "incident_id": "inc_1",
        "count": 3,
        "test": False,
        "cause": None,
    }


def test_a_traceback_tells_where_it_happened(stream: io.StringIO) -> None:
    as_an_exception("nothing personal")
    line = json.loads(stream.getvalue())
    assert "PeculiarError: nothing personal" in line["exception"]
    assert "as_an_exception" in line["exception"]


def test_noisy_libraries_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("aiohttp.access").warning("strange")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["strange"]


@given(
    text=st.text(alphabet="abzXYZ_./{}-", max_size=60), place=st.integers(0, 60), digit=st.sampled_from(["", "0", "7"])
)
def test_what_is_passed_by_at_a_glance_would_have_stayed_as_it_is(text: str, place: int, digit: str) -> None:
    harmless = text[:place] + digit + text[place:]
    assert redact(harmless) == redact(f"{harmless} ")[:-1]  # with the space it is looked at


def test_a_timestamp_stays_as_it_is_and_what_only_begins_like_one_is_looked_at() -> None:
    at = "2026-11-22T12:00:00.000123Z"
    assert redact(at) == at
    assert "900123" not in redact(f"{at} 07700 900123")


def test_our_own_lines_and_those_of_libraries_come_whole_and_one_after_the_other(stream: io.StringIO) -> None:
    log, library = get_logger("room"), logging.getLogger("some.library")

    def say(number: int) -> None:
        for _ in range(50):
            log.info("something_happened", number=number)
            library.warning("said %s", number)

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 400
    assert {line["logger"] for line in lines} == {"room", "some.library"}


def test_what_is_below_the_level_is_not_even_rendered() -> None:
    class Unreadable:
        def __str__(self) -> str:
            raise AssertionError("nobody asked for it")

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    configure_logs(level="WARNING", stream=written)
    get_logger("room").info("something_happened", said=Unreadable())
    get_logger("room").warning("something_failed")
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["something_failed"]


def test_work_goes_on_where_nobody_can_read_the_log_any_more(stream: io.StringIO) -> None:
    stream.close()
    get_logger("room").warning("something_failed")
