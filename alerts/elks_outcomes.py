"""What 46elks answers when a message is created: it has HTTP's statuses and words for people, but no codes."""

from collections.abc import Mapping
from types import MappingProxyType

from alerts.outcomes import (
    HTTP_FORBIDDEN,
    HTTP_NOT_FOUND,
    HTTP_REQUEST_TIMEOUT,
    HTTP_TOO_MANY_REQUESTS,
    HTTP_UNAUTHORIZED,
    HTTP_UNAVAILABLE,
    Outcome,
    RefusalScope,
    Refused,
    TryLater,
    Unclear,
)

HTTP_PAYMENT_REQUIRED = 402

_OF_US: Mapping[int, str] = MappingProxyType(
    {
        HTTP_UNAUTHORIZED: "credentials",
        HTTP_PAYMENT_REQUIRED: "account_empty",
        HTTP_FORBIDDEN: "account_empty",  # "any call that would cost something will fail" once the balance is 0
        HTTP_NOT_FOUND: "account_unknown",
    }
)
_LATER: Mapping[int, str] = MappingProxyType(
    {
        HTTP_REQUEST_TIMEOUT: "request_timeout",
        HTTP_TOO_MANY_REQUESTS: "too_many_requests",
        HTTP_UNAVAILABLE: "provider_unavailable",
    }
)


def read_elks_error(http_status: int, retry_after_s: float | None) -> Outcome:
    """Return what an answer other than 2xx means.

    What is wrong with a message it tells only in prose, which may change: a 400 is held against that message, never
    against the recipient. A server error but 503 says nothing about the message.
    """
    if http_status in _LATER:
        return TryLater(reason=_LATER[http_status], after_s=retry_after_s)
    if http_status in _OF_US:
        return Refused(reason=_OF_US[http_status], scope=RefusalScope.ACCOUNT, code=str(http_status))
    if 400 <= http_status < 500:  # noqa: PLR2004 - the range of HTTP's client errors
        return Refused(reason="refused", scope=RefusalScope.MESSAGE, code=str(http_status))
    return Unclear(reason=f"http_{http_status}")
