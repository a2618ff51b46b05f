"""Watches over requests by right: tells what was decided, answers copies, warns of deadlines, lets the unproved go."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from isocket.domain.authorities import authority_of
from isocket.domain.deliveries import Delivery
from isocket.domain.exports import DataExport, ExportState
from isocket.domain.letters import Letter
from isocket.domain.processing import Office
from isocket.domain.request_letters import answered, copy_is_made, day_of, extended, late, refused
from isocket.domain.requests import DECISION, EXTENSION, OPEN, RequestChannel, RequestState, RightsRequest, decided
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.keyring import Keyring
from isocket.storage.port import Records, StoreUnavailableError, at_most, is_, one_of
from privacy.rounds import survived
from privacy.staff_mail import readers, to_staff

log = get_logger(__name__)

LOOK_EVERY_S = 15.0  # whoever pressed the button in a mail looks into the mailbox for the answer
WARNINGS = (timedelta(days=7), timedelta(days=1), timedelta(0))
"""So long before the last day is over somebody is warned; the last of them says that it is over."""

_MAIL_USEFUL = timedelta(hours=72)
_VALUES = ("email", "name", "words", "postal")
_THERE = (ExportState.READY, ExportState.EXPIRED)


class RequestWatch:
    """Looks at all open requests every 15 s. Every step may run twice: letters have ids that follow from why."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        office: Office,
        public_url: str,
        operator_email: str | None,
        keyring: Keyring | None = None,
    ) -> None:
        """With `keyring`, the key too goes of what nobody proved."""
        self._keyring = keyring
        self._records = records
        self._clock = clock
        self._office = office
        self._public_url = public_url.rstrip("/")
        self._operator_email = operator_email
        # Of what is due now; a new process stores it again, which adds nothing.
        self._warned: set[tuple[object, ...]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`."""
        while not stop.is_set():
            with survived(log, waits="requests_wait", broken_off="request_watch_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> None:
        """Look once at everything."""
        now = self._clock.now()
        await self._let_go(now)
        await self._answer_copies(now)
        await self._tell(now)
        await self._warn(now)

    async def _let_go(self, now: datetime) -> None:
        """End what nobody proved. Nothing is written to that mailbox once more: it may be a stranger's.

        Of one by the form its values go at once: whoever typed them in, nobody said that they are theirs. A letter or
        call did come from somebody, so what staff typed in of it stays as long as what was decided.
        """
        unproved = (is_("state", RequestState.IDENTITY_ASKED), at_most("proof_ends_at", now))
        for each in await self._records.find(RightsRequest, *unproved):
            by_form = each.channel is RequestChannel.FORM
            emptied: dict[str, Any] = dict.fromkeys(_VALUES, "") if by_form else {}
            await self._records.change_one(
                RightsRequest,
                is_("id", each.id),
                is_("state", RequestState.IDENTITY_ASKED),
                at_most("proof_ends_at", now),
                state=RequestState.REFUSED,
                decided_at=now,
                proof_hash=None,
                **emptied,
            )
            log.info("request_unproved", request_id=each.id)
        await self._forget_unproved(now)

    async def _forget_unproved(self, now: datetime) -> None:
        """Empty the mail and destroy the key of what has just ended so, or whose end somebody began and died."""
        unproved = (is_("state", RequestState.REFUSED), is_("channel", RequestChannel.FORM), is_("identified_at", None))
        for each in await self._records.find(RightsRequest, *unproved, is_("email", ""), at_most("proof_ends_at", now)):
            mail = is_("person_id", each.id)
            await self._records.change_all(Delivery, mail, address="", subject_line="", text="")
            if self._keyring is not None:
                await self._keyring.destroy(each.id)
            await self._records.change_one(RightsRequest, is_("id", each.id), proof_ends_at=None)

    async def _answer_copies(self, now: datetime) -> None:
        """Answer those whose copy is ready: where it is fetched."""
        for each in await self._records.find(RightsRequest, is_("state", RequestState.IN_WORK)):
            copy = await self._records.get(DataExport, each.fulfilled_by) if each.fulfilled_by else None
            if copy is None or copy.state not in _THERE:
                continue
            page = f"{self._public_url}/privacy/copy"
            words = copy_is_made(each.language, page=page)
            await self._records.change_one(
                RightsRequest,
                is_("id", each.id),
                is_("version", each.version),
                **decided(RequestState.ANSWERED, words, now),
            )
            log.info("request_answered", request_id=each.id)

    async def _tell(self, now: datetime) -> None:
        """Write to whoever asked what was decided, from what is stored: whoever dies before the end writes no other."""
        for each in await self._records.find(RightsRequest, one_of("letter_due", (DECISION, EXTENSION))):
            try:
                await self._tell_one(each, now)
            except StoreUnavailableError:
                raise
            except Exception as error:  # a letter that cannot be made keeps no other back
                log.exception("request_untold", request_id=each.id, error=type(error).__name__)

    async def _tell_one(self, request: RightsRequest, now: datetime) -> None:
        if request.email:
            letter = self._letter(request)
            await self._records.add_all([_to_requester(request, letter, request.letter_due, now)])
        await self._records.change_one(
            RightsRequest, is_("id", request.id), is_("letter_due", request.letter_due), letter_due=""
        )
        log.info("request_told", request_id=request.id)

    def _letter(self, request: RightsRequest) -> Letter:
        authority = authority_of(request.country, at_home=self._office.country)
        if request.letter_due == EXTENSION:
            return extended(
                request.language,
                request.kind,
                due_at=request.due_at,
                office=self._office,
                words=request.extension_words,
                authority=authority,
            )
        write = refused if request.state is RequestState.REFUSED else answered
        return write(request.language, request.kind, words=request.answer, authority=authority)

    async def _warn(self, now: datetime) -> None:
        """Tell the operator and the staff for it what is due within a week, a day, or overdue: each once."""
        near = (one_of("state", OPEN), at_most("due_at", now + WARNINGS[0]))
        due = await self._records.find(RightsRequest, *near, order_by="due_at")
        to = await readers(self._records, self._operator_email, now) if due else []
        before, self._warned = self._warned, set()
        for each in due:
            if each.state is RequestState.IDENTITY_ASKED:
                continue  # it waits for whoever asked, and ends by itself
            reached = [number for number, ahead in enumerate(WARNINGS) if each.due_at - ahead <= now]
            key = (each.id, "due", reached[-1], each.due_at.isoformat())
            warned = (*key, now > each.due_at, bool(each.email), *to)
            if warned in before:
                self._warned.add(warned)
                continue
            letter = self._warning(each, overdue=now > each.due_at)
            made = [to_staff(reader, letter, key=key, now=now) for reader in to]
            if now > each.due_at and each.email:
                authority = authority_of(each.country, at_home=self._office.country)
                told = late(each.language, each.kind, due_at=each.due_at, office=self._office, authority=authority)
                made.append(_to_requester(each, told, f"late {each.due_at.isoformat()}", now))
            if await self._records.add_all(made):
                log.warning("request_due", request_id=each.id, stage=reached[-1])
            self._warned.add(warned)

    def _warning(self, request: RightsRequest, *, overdue: bool) -> Letter:
        day = day_of(request.due_at, self._office)
        said = "is overdue" if overdue else f"is due on {day}"
        extension = (
            "It was extended already."
            if request.extended_at
            else "It can be extended no more."
            if overdue
            else "Until that day it can be extended, with a reason that is told to whoever asked."
        )
        return Letter(
            subject=f"iSocket Cloud: a request by right {said}",
            text=f"A request for {request.kind.value}, {request.id}, is {request.state.value}; the last day is {day}."
            f"\n\n{extension}\nThe queue: {self._public_url}/staff\n",
        )


def _to_requester(request: RightsRequest, letter: Letter, key: str, now: datetime) -> Delivery:
    once, to = (request.id, key), request.email
    return Delivery.of(
        letter, person_id=request.id, account_id=request.account_id, address=to, once=once, now=now, useful=_MAIL_USEFUL
    )
