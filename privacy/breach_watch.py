"""Watches over breaches: works out whom each concerns, tells them twice, follows the proof, and warns of the clocks.

Every step may run twice: lines and letters have ids that follow from why they are made.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from isocket.domain.breach_letters import breach_mail, breach_report_mail, breach_report_text, breach_text
from isocket.domain.breaches import (
    Affected,
    Breach,
    BreachState,
    DeliveryProof,
    affected_id,
    notice_of,
    report_of,
    undecided,
)
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.letters import Letter
from isocket.domain.processing import Controller
from isocket.kit.clock import Clock, to_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, StoreUnavailableError, every, is_
from privacy.breach_scope import concerned
from privacy.breach_ways import Person, person_of, with_mailbox
from privacy.rounds import survived
from privacy.staff_mail import readers, to_staff

log = get_logger(__name__)

LOOK_EVERY_S = 30.0
USEFUL = timedelta(days=7)
SETTLES = timedelta(days=1)  # of a text that was taken: so long something may still be heard of it
PAGE = "/breaches"
_WAITING = frozenset({DeliveryState.DUE, DeliveryState.CALLING})
_AT_ONCE = 200


class Word(StrEnum):
    """The two words that everybody gets whom a breach concerns."""

    NOTICE = "notice"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a person, with what goes by it."""

    channel: ChannelKind
    address: str
    letter: Letter


class BreachWatch:
    """Looks every half minute at every breach that is not closed."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        controller: Controller,
        public_url: str,
        operator_email: str | None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._controller = controller
        self._page = f"{public_url.rstrip('/')}{PAGE}"
        self._queue = f"{public_url.rstrip('/')}/staff/breaches"
        self._operator_email = operator_email

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`."""
        while not stop.is_set():
            with survived(log, waits="breaches_wait", broken_off="breaches_broken_off"):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> None:
        """Look once at everything that is open."""
        for breach in await self._records.find(Breach, is_("state", BreachState.OPEN), order_by="aware_at"):
            try:
                await self.see_to(breach)
            except StoreUnavailableError:
                raise
            except Exception as error:  # one that cannot be read keeps no other back
                log.exception("breach_broken_off", breach_id=breach.id, error=type(error).__name__)

    async def see_to(self, breach: Breach) -> None:
        """Do what one breach needs now: the clocks first, since counting may take long."""
        await self._warn(breach)
        if breach.counted_at is None:
            breach = await self.count(breach) or breach
        for word in Word:
            if _words_are_there(breach, word):
                waits = is_(f"{word}_proof", DeliveryProof.NOT_YET)
                async for row in every(self._records, Affected, is_("breach_id", breach.id), waits):
                    await self._tell(breach, row, word)

    async def count(self, breach: Breach) -> Breach | None:
        """Work out whom a breach concerns and store a line for each; None where it was changed meanwhile."""
        now = self._clock.now()
        found = await concerned(self._records, breach, now=now)
        if breach.named:
            found = {person: each for person, each in found.items() if each.account_id in breach.named}
        await self._store(breach, {person: (each.account_id, tuple(each.what)) for person, each in found.items()})
        many = await self._records.count(Affected, is_("breach_id", breach.id))
        log.info("breach_counted", breach_id=breach.id, persons=many)
        return await self._records.change_one(
            Breach, is_("id", breach.id), is_("version", breach.version), counted_at=now, concerned=many
        )

    async def _store(self, breach: Breach, found: dict[str, tuple[str, tuple[str, ...]]]) -> None:
        there = {each.person_id: each async for each in every(self._records, Affected, is_("breach_id", breach.id))}
        new = [
            Affected(
                id=affected_id(breach.id, person), breach_id=breach.id, account_id=account, person_id=person, what=what
            )
            for person, (account, what) in found.items()
            if person not in there
        ]
        for begin in range(0, len(new), _AT_ONCE):
            await self._records.add_all(new[begin : begin + _AT_ONCE])
        for person, (_, what) in found.items():
            row = there.get(person)
            if row is not None and not set(what) <= set(row.what):
                more = tuple(dict.fromkeys([*row.what, *what]))
                await self._records.change_one(Affected, is_("id", row.id), what=more)

    async def _tell(self, breach: Breach, row: Affected, word: Word) -> None:
        """Take one step with one person: the first message, the proof of one, or another way where that failed."""
        ids: tuple[str, ...] = getattr(row, f"{word}_ids")
        last = await self._records.get(Delivery, ids[-1]) if ids else None
        ended = _ended(last, self._clock.now()) if ids else None
        if ids and ended is None:
            return
        if ended in {DeliveryProof.DELIVERED, DeliveryProof.SENT}:
            await self._prove(row, word, ended)
            return
        person = await person_of(self._records, row.person_id)
        same = await self._same_reader(breach, row, person)
        if not ids and await self._is_told_with(same[0], row, word):
            return
        ways = self._ways(breach, same, word, person)
        if len(ids) >= len(ways):
            await self._prove(row, word, DeliveryProof.FAILED if ids else DeliveryProof.NO_WAY)
            return
        made = self._message(row, word, ways[len(ids)])
        await self._records.add_all([made])
        tried: dict[str, Any] = {f"{word}_ids": (*ids, made.id)}
        await self._records.change_one(Affected, is_("id", row.id), is_("version", row.version), **tried)

    async def _same_reader(self, breach: Breach, row: Affected, person: Person | None) -> list[Affected]:
        """Return the lines of everybody who reads this mailbox: several customers may have entered one person."""
        ids = await with_mailbox(self._records, person.email if person else "")
        rows = [await self._records.get(Affected, affected_id(breach.id, each)) for each in {*ids, row.person_id}]
        return sorted((each for each in rows if each is not None), key=lambda each: each.id)

    async def _is_told_with(self, first: Affected, row: Affected, word: Word) -> bool:
        """Return whether the mail to the first line of the same reader is this one's as well, and note its proof.

        Where that mail did not arrive, each line tries its own ways.
        """
        proof: DeliveryProof = getattr(first, f"{word}_proof")
        if first.id == row.id or proof in {DeliveryProof.FAILED, DeliveryProof.NO_WAY}:
            return False
        if proof is not DeliveryProof.NOT_YET:
            changes: dict[str, Any] = {f"{word}_ids": getattr(first, f"{word}_ids")}
            await self._prove(row, word, proof, **changes)
        return True

    async def _prove(self, row: Affected, word: Word, proof: DeliveryProof, **more: Any) -> None:
        changes: dict[str, Any] = {**more, f"{word}_proof": proof, f"{word}_proved_at": self._clock.now()}
        await self._records.change_one(Affected, is_("id", row.id), is_("version", row.version), **changes)

    def _ways(self, breach: Breach, same: Sequence[Affected], word: Word, person: Person | None) -> list[Way]:
        """Return the ways to somebody in the order in which they are tried: a mailbox holds more than a text."""
        if person is None:
            return []
        found: list[Way] = []
        if person.email:
            letter = self._letter(breach, same, word, person.language)
            found.append(Way(channel=ChannelKind.EMAIL, address=person.email, letter=letter))
        if person.phone:
            write = breach_text if word is Word.NOTICE else breach_report_text
            text = Letter(subject="", text=write(person.language, page=self._page))
            found.append(Way(channel=ChannelKind.SMS, address=person.phone, letter=text))
        return found

    def _letter(self, breach: Breach, same: Sequence[Affected], word: Word, language: str) -> Letter:
        common: dict[str, Any] = {"controller": self._controller, "page": self._page}
        if word is Word.NOTICE:
            what = tuple(name for each in same for name in each.what)
            return breach_mail(language, notice_of(breach), what=what, **common)
        return breach_report_mail(language, report_of(breach), **common)

    def _message(self, row: Affected, word: Word, way: Way) -> Delivery:
        now = self._clock.now()
        texted = way.channel is ChannelKind.SMS
        return Delivery.of(
            way.letter,
            person_id=row.person_id,
            account_id=row.person_id if texted else row.account_id,  # no customer pays for our breach
            channel=way.channel,
            address=way.address,
            now=now,
            useful=USEFUL,
            once=(row.id, word, way.channel),
        )

    async def _warn(self, breach: Breach) -> None:
        """Tell the operator and the staff for it of each clock: at once, when half of it is over, and when all is."""
        now, made = self._clock.now(), list[Delivery]()
        for each in undecided(breach):
            if each.due_at is None:
                continue
            reached = sum(
                now >= moment for moment in (breach.aware_at + (each.due_at - breach.aware_at) / 2, each.due_at)
            )
            said = f"{each.to} must hear of it by {to_text(each.due_at)} ({each.law})."
            if now >= each.due_at:
                said = f"{each.to} should have heard of it by {to_text(each.due_at)} ({each.law})."
            letter = Letter(
                subject=f"iSocket Cloud: a breach of personal data, {each.duty.value}",
                text=f"The breach {breach.id} is open, and nothing is noted about this duty:\n\n{said}\n\n"
                f"A draft, and where to note it: {self._queue}/{breach.id}, or `isocket privacy breach show "
                f"{breach.id}`.\n",
            )
            made += [
                to_staff(reader, letter, key=(breach.id, each.duty, to_text(each.due_at), reached), now=now)
                for reader in await readers(self._records, self._operator_email, now)
            ]
        if await self._records.add_all(made):
            log.warning("breach_due", breach_id=breach.id)


def _words_are_there(breach: Breach, word: Word) -> bool:
    given = breach.notice_at if word is Word.NOTICE else breach.report_at
    return given is not None and breach.counted_at is not None


def _ended(delivery: Delivery | None, now: datetime) -> DeliveryProof | None:
    """Return how a message ended, None while that is not known. One that is gone was not seen to arrive."""
    if delivery is None or delivery.state in {DeliveryState.FAILED, DeliveryState.CALLED_OFF}:
        return DeliveryProof.FAILED
    if delivery.state is DeliveryState.DELIVERED:
        return DeliveryProof.DELIVERED
    settled = now - delivery.created_at >= SETTLES
    if delivery.state is DeliveryState.SENT:
        return DeliveryProof.SENT if settled or delivery.channel is ChannelKind.EMAIL else None
    if delivery.state is DeliveryState.UNCLEAR:
        return DeliveryProof.FAILED if settled else None
    return None if delivery.state in _WAITING else DeliveryProof.FAILED
