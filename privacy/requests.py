"""Watches over requests by right: warns before a deadline, answers when a copy is ready, lets go what nobody proved."""

import asyncio
from datetime import datetime, timedelta

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.authorities import authority_of
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.exports import DataExport, ExportState
from isocket.domain.letters import Letter
from isocket.domain.processing import Office
from isocket.domain.request_letters import answered, copy_is_made, day_of, late
from isocket.domain.requests import OPEN, RequestState, RightsRequest
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, at_most, is_, one_of

log = get_logger(__name__)

LOOK_EVERY_S = 60.0
WARNINGS = (timedelta(days=7), timedelta(days=1), timedelta(0))
"""So long before the last day is over somebody is warned; the last of them says that it is over."""

_OPERATOR = "operator"
_WARNING_USEFUL = timedelta(days=7)
_MAIL_USEFUL = timedelta(hours=72)
_THERE = (ExportState.READY, ExportState.EXPIRED)


class RequestWatch:
    """Looks at all open requests each minute. Every step may run twice: letters have ids that follow from why."""

    def __init__(
        self, *, records: Records, clock: Clock, office: Office, public_url: str, operator_email: str | None
    ) -> None:
        self._records = records
        self._clock = clock
        self._office = office
        self._public_url = public_url.rstrip("/")
        self._operator_email = operator_email

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`."""
        while not stop.is_set():
            try:
                await self.round()
            except StoreUnavailableError as error:
                log.warning("requests_wait", error=type(error).__name__)
            except Exception as error:  # one request that cannot be read keeps no other back for ever
                log.exception("request_watch_broken_off", error=type(error).__name__)
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> None:
        """Look once at everything."""
        now = self._clock.now()
        await self._let_go(now)
        await self._answer_copies(now)
        await self._warn(now)

    async def _let_go(self, now: datetime) -> None:
        """End what nobody proved. Nothing is written to that mailbox once more: it may be a stranger's."""
        unproved = (is_("state", RequestState.IDENTITY_ASKED), at_most("proof_ends_at", now))
        for each in await self._records.find(RightsRequest, *unproved):
            await self._records.change_one(
                RightsRequest,
                is_("id", each.id),
                is_("state", RequestState.IDENTITY_ASKED),
                at_most("proof_ends_at", now),
                state=RequestState.REFUSED,
                decided_at=now,
                proof_hash=None,
            )
            log.info("request_unproved", request_id=each.id)

    async def _answer_copies(self, now: datetime) -> None:
        """Answer those whose copy is ready: where it is fetched."""
        for each in await self._records.find(RightsRequest, is_("state", RequestState.IN_WORK)):
            copy = await self._records.get(DataExport, each.fulfilled_by) if each.fulfilled_by else None
            if copy is None or copy.state not in _THERE:
                continue
            page = f"{self._public_url}/api/v1/privacy/exports/{copy.id}/download"
            words = copy_is_made(each.language, page=page)
            authority = authority_of(each.country, at_home=self._office.country)
            letter = answered(each.language, each.kind, words=words, authority=authority)
            if each.email:
                await self._records.add_all([_to_requester(each, letter, "copy", now)])
            await self._records.change_one(
                RightsRequest,
                is_("id", each.id),
                is_("state", RequestState.IN_WORK),
                state=RequestState.ANSWERED,
                decided_at=now,
                answer=words,
                evidence="",
            )
            log.info("request_answered", request_id=each.id)

    async def _warn(self, now: datetime) -> None:
        """Tell the operator and the staff for it what is due within a week, a day, or overdue: each once."""
        near = (one_of("state", OPEN), at_most("due_at", now + WARNINGS[0]))
        due = await self._records.find(RightsRequest, *near, order_by="due_at")
        readers = await self._readers() if due else []
        for each in due:
            if each.state is RequestState.IDENTITY_ASKED:
                continue  # it waits for whoever asked, and ends by itself
            reached = [number for number, before in enumerate(WARNINGS) if each.due_at - before <= now]
            letter = self._warning(each, overdue=now > each.due_at)
            made = [_warning_to(reader, each, reached[-1], letter, now) for reader in readers]
            if now > each.due_at and each.email:
                authority = authority_of(each.country, at_home=self._office.country)
                told = late(each.language, each.kind, due_at=each.due_at, office=self._office, authority=authority)
                made.append(_to_requester(each, told, f"late {each.due_at.isoformat()}", now))
            if await self._records.add_all(made):
                log.warning("request_due", request_id=each.id, stage=reached[-1])

    async def _readers(self) -> list[tuple[str, str]]:
        """Return who is warned: the operator, and all staff who answer requests."""
        staff = await self._records.find(Account, is_("role", AccountRole.STAFF))
        found = [(each.id, each.email) for each in staff if StaffRole.PRIVACY in each.staff_roles]
        return [*([(_OPERATOR, self._operator_email)] if self._operator_email else []), *found]

    def _warning(self, request: RightsRequest, *, overdue: bool) -> Letter:
        day = day_of(request.due_at, self._office)
        said = "is overdue" if overdue else f"is due on {day}"
        extension = (
            "It was extended already."
            if request.extended_at
            else "Until that day it can be extended, with a reason that is told to whoever asked."
        )
        return Letter(
            subject=f"iSocket Cloud: a request by right {said}",
            text=f"A request for {request.kind.value}, {request.id}, is {request.state.value}; the last day is {day}."
            f"\n\n{extension}\nThe queue: {self._public_url}/staff\n",
        )


def _to_requester(request: RightsRequest, letter: Letter, key: str, now: datetime) -> Delivery:
    return Delivery(
        id=derived_id("del", request.id, key),
        account_id=request.account_id or request.id,
        person_id=request.id,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=request.email,
        subject_line=letter.subject,
        text=letter.text,
        created_at=now,
        due_at=now,
        expires_at=now + _MAIL_USEFUL,
    )


def _warning_to(reader: tuple[str, str], request: RightsRequest, stage: int, letter: Letter, now: datetime) -> Delivery:
    person, address = reader
    return Delivery(
        id=derived_id("del", request.id, "due", stage, request.due_at.isoformat(), person),
        account_id=person,
        person_id=person,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=address,
        subject_line=letter.subject,
        text=letter.text,
        created_at=now,
        due_at=now,
        expires_at=now + _WARNING_USEFUL,
    )
