"""Asking Twilio for something that costs money, once: what became of it is an outcome, whatever breaks."""

from collections.abc import Awaitable, Callable
from typing import Any

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

from alerts.channels.message_ids import is_id
from alerts.channels.provider_http import AnswerLostError, NothingSentError, ProviderHttp
from alerts.channels.twilio_http import Exchange, TwilioHttp, begin_exchange
from alerts.outcomes import (
    HTTP_NOT_FOUND,
    Erasal,
    Outcome,
    RefusalScope,
    Refused,
    Sent,
    TryLater,
    Unclear,
    read_twilio_error,
)
from alerts.signatures import CALLBACK_REPEATS

Ask = Callable[[Any], Awaitable[Any]]

HTTP_NO_CONTENT = 204
NOT_FOUND = 20404  # Twilio's code for what it does not have


class TwilioAccount:
    """One account at Twilio, and the connections to it. `connect_s` and `total_s` limit one request."""

    def __init__(
        self, *, account_sid: str, auth_token: str, base_url: str | None, connect_s: float, total_s: float
    ) -> None:
        """Keep the plain values; nothing is opened before the first request."""
        self._http = ProviderHttp(base_url=base_url, connect_s=connect_s, total_s=total_s)
        # With an environment of its own the SDK does not look at the TWILIO_ variables of the process;
        # an empty one would not do, it counts as none.
        environment = {"TWILIO_REGION": ""}
        self._client = Client(account_sid, auth_token, http_client=TwilioHttp(self._http), environment=environment)
        self._account = self._client.api.account  # the SDK would look for it at each message

    async def create(self, ask: Ask) -> Outcome:
        """Let `ask` create something with the SDK's account, and say what became of it."""
        exchange = begin_exchange()
        try:
            created = await ask(self._account)
        except NothingSentError as error:
            return TryLater(reason=f"nothing_sent: {error}")
        except AnswerLostError as error:
            return Unclear(reason=f"answer_lost: {error}")
        except TwilioException as error:
            return read_twilio_error(exchange.http_status, code_of(error), exchange.retry_after_s)
        except Exception as error:  # noqa: BLE001 - whatever the SDK trips over, it may have been created
            return _unforeseen(error, exchange)
        return read_created(created.sid)

    async def ask(self, ask: Ask) -> Any:
        """Let `ask` use the SDK's account where an answer that is lost does no harm; its errors come through."""
        return await ask(self._account)

    async def erase(self, ask: Ask) -> Erasal:
        """Let `ask` delete something with the SDK's account. What Twilio still carries it does not let go of.

        That something is gone is believed in Twilio's own words only: whoever stands in its place, a proxy that
        answers with a page, has erased nothing.
        """
        exchange = begin_exchange()
        try:
            await ask(self._account)
        except Exception as error:  # noqa: BLE001 - whatever broke: asking again does no harm
            is_gone = exchange.http_status == HTTP_NOT_FOUND and code_of(error) == NOT_FOUND
            return Erasal.NOT_THERE if is_gone else Erasal.LATER
        return Erasal.DONE if exchange.http_status == HTTP_NO_CONTENT else Erasal.LATER

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def with_repeats(callback: str) -> str:
    """Return a callback address that asks Twilio to repeat what failed; a fragment of its own is kept."""
    return callback if "#" in callback else callback + CALLBACK_REPEATS


def read_created(sid: object) -> Outcome:
    """Return what the id of something created means."""
    if not is_id(sid):
        return Unclear(reason="no_message_id")  # an empty 201 comes through the SDK as something without an id
    return Sent(provider_id=sid, receipt_expected=True)


def code_of(error: Exception) -> int | None:
    """Return Twilio's own code in an error of the SDK, None if it has none."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def _unforeseen(error: Exception, exchange: Exchange) -> Outcome:
    if exchange.began_to_leave:
        return Unclear(reason=f"answer_unreadable: {type(error).__name__}")
    return Refused(reason=f"not_sendable: {type(error).__name__}", scope=RefusalScope.MESSAGE)
