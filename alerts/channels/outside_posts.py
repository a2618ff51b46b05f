"""What browsers' push services and customers' programs have in common: one POST to an endpoint, once, with an outcome
wherever it comes to none."""

from collections.abc import Awaitable

from alerts.channels.outside_http import Answer, AnswerMissingError, ForbiddenPlaceError, NothingLeftError
from alerts.endpoints import Endpoints
from alerts.outcomes import Outcome, RefusalScope, Refused, TryLater
from isocket.domain.contacts import ChannelKind
from isocket.domain.endpoints import GONE, Endpoint
from isocket.storage.port import StoreUnavailableError


async def endpoint_or_end(endpoints: Endpoints, endpoint_id: str, kind: ChannelKind) -> Endpoint | Outcome:
    """Return the endpoint that a message goes to, or what becomes of the message without it."""
    try:
        found = await endpoints.read(endpoint_id, kind)
    except StoreUnavailableError:
        return TryLater(reason="store_unavailable")
    return found or Refused(reason=GONE, scope=RefusalScope.CONTACT)


async def answer_or_end(posted: Awaitable[Answer]) -> Answer | Outcome:
    """Return what was answered to a POST, or what becomes of the message where nothing was.

    An answer that is missing is no doubt here: whoever gets it twice knows a second copy by its id or its topic.
    """
    try:
        return await posted
    except ForbiddenPlaceError:
        return Refused(reason="address_forbidden", scope=RefusalScope.CONTACT)
    except NothingLeftError as error:
        return TryLater(reason=f"nothing_sent: {error}")
    except AnswerMissingError as error:
        return TryLater(reason=f"answer_lost: {error}")
