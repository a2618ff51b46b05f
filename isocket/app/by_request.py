"""The request by right for which a command is typed: whether it asks for that, and a line on it once it is done."""

from datetime import datetime

from isocket.app.house import House
from isocket.domain.accounts import Account, AccountRole
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import RequestState, Right, RightsRequest
from isocket.kit.ids import derived_id

NO_CUSTOMER = "There is no such customer's account."
OPERATOR = "operator"
_KNOWN = (RequestState.IDENTIFIED, RequestState.IN_WORK)


class NotAskedError(ValueError):
    """The request does not ask for this, or nobody knows yet who does."""


async def customer(house: House, account_id: str) -> Account:
    """Return the account whose holder wrote.

    Raises:
        NotAskedError: it is no customer's.
    """
    found = await house.records.get(Account, account_id)
    if found is None or found.role is not AccountRole.CUSTOMER:
        raise NotAskedError(NO_CUSTOMER)
    return found


async def asking(house: House, request_id: str, account_id: str, right: Right) -> RightsRequest | None:
    """Return the request that asks for this; None where no request is named.

    Raises:
        NotAskedError: there is no such request, it is another account's or for something else, or is not open and
            identified.
    """
    if not request_id:
        return None
    found = await house.records.get(RightsRequest, request_id)
    if found is None or found.account_id != account_id:
        raise NotAskedError("There is no such request of this account: see `identity` at /staff.")
    if found.kind is not right:
        raise NotAskedError(f"It asks for {found.kind.value}, not for {right.value}.")
    if found.state not in _KNOWN:
        raise NotAskedError(f"It is {found.state.value}: nothing is done for it before it is known who asks, or after.")
    return found


async def note_done(house: House, request: RightsRequest | None, words: str, at: datetime) -> None:
    """Note on a request what was done for it, once however often the same is typed. It is still to be answered."""
    if request is None:
        return
    line = RequestNote(
        id=derived_id("rqn", request.id, words),
        request_id=request.id,
        account_id=request.account_id,
        kind=NoteKind.DONE,
        channel=request.channel,
        words=words,
        by=OPERATOR,
        at=at,
    )
    await house.records.add_all([line])
