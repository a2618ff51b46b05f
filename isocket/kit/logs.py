"""One JSON line an event, redacted after rendering, so that nothing personal can slip in by any way.

Filters on arguments leak (child loggers, tracebacks, nested values); the rendered line is the only place
through which everything passes. New lines and control characters are escaped by JSON itself.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+(?:@|%40)[A-Za-z0-9.\-]+")
_PHONE = re.compile(r"(?<![\w.\-:])(?:\+|%2B)\d[\d \-]{6,18}\d(?!\w)")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]{8,}")
_SECRET_PAIR = re.compile(
    r'(?i)("?(?:password|secret|token|authorization|cookie|claim_code|auth_token)"?\s*[=:]\s*"?)([^\s",&}]{3,})'
)
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}(?::?[0-9a-fA-F]{1,4})*(?![\w:])")
_LONG_TOKEN = re.compile(r"(?<![\w\-])[A-Za-z0-9_\-]{43}(?![\w\-])")
_SECRET_NAME = re.compile(r"(?i)(?:.*[_-])?(?:password|secret|token|authorization|cookie|claim_code)")
_LOOPBACK = "127.0.0"


def redact(text: str) -> str:
    """Return `text` without e-mail addresses, phone numbers, tokens, passwords and full IP addresses.

    IPv4 is cut to /24 and IPv6 to nothing, as the French authority's logging advice suggests; loopback stays.
    """
    text = _URL_LOGIN.sub("[login]", text)
    text = _EMAIL.sub("[email]", text)
    text = _PHONE.sub("[phone]", text)
    text = _BEARER.sub(r"\1 [token]", text)
    text = _SECRET_PAIR.sub(r"\1[secret]", text)
    text = _LONG_TOKEN.sub("[token]", text)
    text = _IPV4.sub(lambda m: m.group() if m.group(1) == _LOOPBACK else f"{m.group(1)}.0", text)
    return _IPV6.sub("[ipv6]", text)


def render(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """Return the event as one redacted JSON line."""
    return json.dumps(_redacted_mapping(event), ensure_ascii=True)


def _redacted_mapping(values: Mapping[str, Any]) -> dict[str, object]:
    return {
        redact(str(key)): "[secret]" if _SECRET_NAME.fullmatch(str(key)) else _redacted(value)
        for key, value in values.items()
    }


def _redacted(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return _redacted_mapping(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return redact(str(value))


def configure_logs(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log line of the process, libraries' too, through the redacting renderer to `stream`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("asyncio", "aiohttp.access", "twilio.http_client", "mail.log"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; event names are static words, values are ids."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
