"""Mails about an account, on their way out: records that the dispatcher finds and sends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState, place_until
from isocket.domain.letters import Letter
from isocket.kit.ids import new_id
from isocket.storage.port import Records, above, is_

NOTICE_USEFUL = timedelta(hours=72)  # so long something is worth telling that happened to an account
NOBODY = "acc_nobody"  # stands for whoever is not known, so that asking for them takes as long


def notice_to(
    account: Account,
    letter: Letter,
    now: datetime,
    *,
    once: Sequence[str | int] = (),
    useful: timedelta = NOTICE_USEFUL,
) -> Delivery:
    """Return the mail that tells the holder of an account of something; the same `once` makes it once."""
    return Delivery.of(letter, person_id=account.id, address=account.email, now=now, useful=useful, once=once)


async def call_off_mails_to(records: Records, person_id: str, now: datetime) -> None:
    """Keep mails to somebody that have not gone out yet from doing so; their text goes too."""
    await records.change_all(
        Delivery,
        is_("person_id", person_id),
        is_("state", DeliveryState.DUE),
        state=DeliveryState.CALLED_OFF,
        reason="ended",
        text="",
        ended_at=now,
    )


async def look_again_at_what_sleeps(records: Records, contact_id: str, now: datetime) -> None:
    """Let what waits for the end of a reader's quiet hours be looked at now: what has to wait all the same does so."""
    held = (is_("contact_id", contact_id), is_("state", DeliveryState.DUE), above("held_until", now))
    for each in await records.find(Delivery, *held):
        await records.change_one(
            Delivery,
            is_("id", each.id),
            is_("version", each.version),
            due_at=now,
            held_until=now,
            priority=place_until(now),
        )


def unsent(*, kind: DeliveryKind, person_id: str, now: datetime) -> Delivery:
    """Return a mail to nobody: stored to take as long as a real one, called off from the first, empty of anybody.

    `person_id` is `NOBODY`, or a new one where the real mail would be sealed under a new key too: that key opens this
    mail alone, which says nothing, so it is left in the keyring.
    """
    return Delivery(
        id=new_id("del"),
        account_id=person_id,
        person_id=person_id,
        kind=kind,
        channel=ChannelKind.EMAIL,
        address="",
        text="-",
        state=DeliveryState.CALLED_OFF,
        reason="to_nobody",
        created_at=now,
        due_at=now,
        ended_at=now,
    )
