"""One JSON line an event, redacted after rendering, so that nothing personal can slip in by any way.

Filters on arguments leak (child loggers, tracebacks, nested values); the rendered line is the only place
through which everything passes. New lines and control characters are escaped by JSON itself.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from enum import Enum, auto
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Any, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

_EMAIL = re.compile(r"""(?:"[^"@\n]{1,64}"|[\w.!#$%'*+^`~\-]{1,64})(?:@|%40)[\w.\-]+""")
_GAP = r"[ \u00a0\-/()]{0,2}"
_PHONE = re.compile(
    rf"(?<!\d)(?:\+|%2B)[1-9](?:(?:{_GAP}|\.(?=\d\d))\d){{7,14}}(?!\w)"  # +44 (0)7700 900123
    rf"|(?<![\w.:+\-/])00{_GAP}[1-9](?:{_GAP}\d){{7,13}}(?![\w:\-])"  # 0044 7700 900123
    rf"|(?<![\w.:+\-/])0[1-9](?:{_GAP}\d){{7,10}}(?![\w:\-])"  # 07700 900123; a date has one digit less
)
_PHONE_WORD = r"(?:phone|mobile|msisdn|telephone|tel|caller|callee|recipient)(?:_?number)?"
_PHONE_NAME = re.compile(rf"(?i)(?:.*[_-])?{_PHONE_WORD}")
_PHONE_PAIR = re.compile(rf"""(?i)(\b{_PHONE_WORD}\\*["']?\s*[=:]\s*\\*["']?)\d(?:{_GAP}\d){{5,14}}(?!\w)""")
_DIGITS = re.compile(r"[\d\s()./\-]{6,24}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{8,}")
_SPACED = "password|passphrase"  # may have spaces inside
_SECRET_WORD = rf"(?:{_SPACED}|secret|token|authorization|cookie|claim_code)"
_EQUALS = r"""\\*["']?\s*[=:]\s*"""
_QUOTED = r"""(?P<quote>\\*["'])(?:(?!(?<!\\)(?P=quote)).)*(?:(?P=quote)|$)"""
_TO_THE_NEXT = r"""[^\s",;&}\]][^",;&}\]\n]*?(?=\s+\w+\s*=|[",;&}\]\n]|$)"""
_COOKIES = re.compile(r"""(?i)(\b(?:set-)?cookie\s*:\s*)[^\s"'][^\n"']*""")
_SECRET_WITH_SPACES = re.compile(rf"(?i)((?:{_SPACED}){_EQUALS})(?:{_QUOTED}|{_TO_THE_NEXT})")
_SECRET_PAIR = re.compile(rf"""(?i)({_SECRET_WORD}{_EQUALS})(?!\[secret\])(?:{_QUOTED}|[^\s"',;&}}\\]+)""")
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?![\d.])")
_COLONS = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
_LONG_TOKEN = re.compile(r"(?<![\w\-])[A-Za-z0-9_\-]{43}(?![\w\-])")
_SECRET_NAME = re.compile(rf"(?i)(?:.*[_-])?{_SECRET_WORD}")
_LOOPBACK = "127.0.0"
_HARMLESS = re.compile(r"[A-Za-z_./{}\-]*+[0-9]?+[A-Za-z_./{}\-]*+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SHORTER_THAN_A_TOKEN = 43


def redact(text: str) -> str:
    """Return `text` without e-mail addresses, phone numbers, tokens, passwords and full IP addresses.

    IPv4 is cut to /24 and IPv6 to nothing, as the French authority's logging advice suggests; loopback stays.
    Names, routes and our own timestamps, of which every line is full, have nothing that any of that is made of: no
    space, no sign that parts a name from its value, one digit at most. They are passed by at a glance.
    """
    if _is_harmless(text):
        return text
    text = _URL_LOGIN.sub("[login]", text)
    text = _EMAIL.sub("[email]", text)
    text = _PHONE.sub("[phone]", text)
    text = _PHONE_PAIR.sub(r"\1[phone]", text)
    text = _BEARER.sub(r"\1 [token]", text)
    for pair in (_COOKIES, _SECRET_WITH_SPACES, _SECRET_PAIR):
        text = pair.sub(r"\1[secret]", text)
    text = _LONG_TOKEN.sub("[token]", text)
    text = _COLONS.sub(_without_address, text)
    return _IPV4.sub(lambda m: m.group() if m.group(1) == _LOOPBACK else f"{m.group(1)}.0", text)


def _is_harmless(text: str) -> bool:
    return len(text) < _SHORTER_THAN_A_TOKEN and _HARMLESS.fullmatch(text) is not None


def _without_address(found: re.Match[str]) -> str:
    """Return what was found with its IPv6 or hardware address taken out; times of day have colons too."""
    whole = found.group()
    for address in (whole, whole.rstrip(":."), whole.lstrip(":"), whole.strip(":.")):
        if _MAC.fullmatch(address):
            return whole.replace(address, "[mac]")
        try:
            ip = IPv6Address(address)
        except AddressValueError:
            continue
        no_address = ip.is_loopback or not any(sign.isdecimal() for sign in address)
        return whole if no_address else whole.replace(address, "[ipv6]")
    return whole


def render(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """Return the event as one redacted JSON line."""
    return json.dumps(_redacted_mapping(event), ensure_ascii=True)


def _redacted_mapping(values: Mapping[str, Any]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in values.items():
        name = str(key)
        if _is_harmless(name):
            kind = _kind_of(name)
        else:
            kind, name = _kind_of.__wrapped__(name), redact(name)
        made[name] = _redacted_under(kind, value)
    return made


class _Kind(Enum):
    """What a name says of what stands under it."""

    SECRET = auto()
    PHONE = auto()
    OTHER = auto()


@lru_cache(maxsize=1024)
def _kind_of(name: str) -> _Kind:
    if _SECRET_NAME.fullmatch(name):
        return _Kind.SECRET
    return _Kind.PHONE if _PHONE_NAME.fullmatch(name) else _Kind.OTHER


def _redacted_under(kind: _Kind, value: object) -> object:
    if kind is _Kind.SECRET:
        return "[secret]"
    if kind is _Kind.PHONE and _DIGITS.fullmatch(str(value)):
        return "[phone]"
    return _redacted(value)


def _redacted(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return _redacted_mapping(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return redact(str(value))


class _Lines:
    """Writes our own lines, which are finished, to where the handler writes those of libraries; one at a time.

    A record of `logging` made for each, and copied to be formatted, would take longer than all the rest of a line.
    """

    def __init__(self, name: str, handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        """Write a line. Where nobody can read it any more, work goes on without."""
        self._handler.acquire()
        try:
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()
        except (OSError, ValueError):
            return
        finally:
            self._handler.release()

    debug = info = warning = error = critical = write


def configure_logs(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log line of the process, libraries' too, through the redacting renderer to `stream`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    structlog.configure(
        processors=[*shared, render],
        logger_factory=lambda name: _Lines(name, handler),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("asyncio", "aiohttp.access", "twilio.http_client", "mail.log"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; event names are static words, values are ids."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger
