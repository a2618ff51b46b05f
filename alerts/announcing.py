"""Tells customers what they have to know of the service: a planned outage, a new version, a change of a product.

It is part of the contract and no promotion: whom it concerns gets it, also who left the newsletter. The mails go out
behind everything else, so many a minute.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from isocket.domain.accounts import Account, AccountRole
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import MOST_TURNS, Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.letters import LANGUAGES, Letter, spoken
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, every, is_, one_of

log = get_logger(__name__)

USEFUL = timedelta(days=3)
_AT_ONCE = 200


class WordsError(ValueError):
    """These words cannot go out; the message says why."""


async def announce(
    records: Records,
    clock: Clock,
    words: Mapping[str, Letter],
    *,
    models: Sequence[str] = (),
    per_minute: int = 600,
) -> int:
    """Store a mail for each customer, or each who has a socket of these models; return how many are new.

    The same words reach nobody twice.

    Raises:
        WordsError: there is no English, an unknown language, or nothing to read.
    """
    check_words(words)
    begin, made, number, new = clock.now(), list[Delivery](), 0, 0
    async for account in every(records, Account, is_("role", AccountRole.CUSTOMER), page=_AT_ONCE):
        if account.ended_at is not None or not account.email or not await _is_meant(records, account, models):
            continue
        due = begin + timedelta(seconds=number * 60 / per_minute)
        made.append(_mail(account, words, due, begin))
        number += 1
        if len(made) >= _AT_ONCE:
            new += await records.add_all(made)
            made = []
    new += await records.add_all(made)
    log.info("announced", messages=new)
    return new


def check_words(words: Mapping[str, Letter]) -> None:
    """Look whether these words can go out.

    Raises:
        WordsError: they cannot.
    """
    if LANGUAGES[0] not in words:
        raise WordsError(f"write it in English (`{LANGUAGES[0]}`) at least; other languages are welcome")
    for language, letter in words.items():
        if language not in LANGUAGES:
            raise WordsError(f"{language[:20]} is none of {', '.join(LANGUAGES)}")
        if not letter.subject.strip() or not letter.subject.isprintable():
            raise WordsError(f"{language}: write the subject on one line")
        if not letter.text.strip():
            raise WordsError(f"{language}: there is no text")


async def _is_meant(records: Records, account: Account, models: Sequence[str]) -> bool:
    return not models or bool(await records.count(Device, is_("owner_id", account.id), one_of("model", models)))


def _mail(account: Account, words: Mapping[str, Letter], due: datetime, now: datetime) -> Delivery:
    letter = words.get(spoken(account.language)) or words[LANGUAGES[0]]
    same = hashlib.sha256("\x1f".join(f"{each.subject}\x1f{each.text}" for each in words.values()).encode())
    return Delivery(
        id=derived_id("del", "announced", same.hexdigest(), account.id),
        account_id=account.id,
        person_id=account.id,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=account.email,
        subject_line=letter.subject.strip(),
        text=letter.text.rstrip() + "\n",
        created_at=now,
        due_at=due,
        expires_at=due + USEFUL,
        turn=MOST_TURNS,
    )
