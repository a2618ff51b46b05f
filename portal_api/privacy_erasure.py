"""Being erased (Art. 17): what would go and what would stay, the wish, and taking it back while there is time.

The portal notes the wish and tells its holder by every way; the privacy service carries it out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import ConfigDict, Field

from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure
from isocket.domain.erasure_plan import CONSEQUENCES, erased_with_the_account, plan_under
from isocket.domain.erasures import HOLD_UNCOPIED, TO_COME, Erasure, ErasureState, erasure_id
from isocket.domain.holds import Hold, HoldState
from isocket.domain.letters import Letter
from isocket.domain.provider_erasures import ProviderErasure
from isocket.domain.record import account_fields
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, above, every, is_, one_of
from portal_api.limits import Rate
from portal_api.models import Body, Instant, Query, View
from portal_api.outgoing import NOTICE_USEFUL
from portal_api.portal import Portal
from portal_api.privacy_holds import HeldView, by_ids, held_view, in_force_for
from portal_api.privacy_words import Farewell, asked, undone
from portal_api.problem import Problem, fault, not_found
from portal_api.registration import owner_contact_id
from portal_api.routes import AnyRoute, Call, Route
from portal_api.tokens import why_not_them

log = get_logger(__name__)

WISHES = Rate(name="erasure_account", tries=5, per_s=86_400)  # each, and undoing it, is told by mail and text
TRIED_AGAIN = "it could not be done yet; it is tried again every few minutes"


class ErasureWish(Body):
    """The password once more, and one's own address typed out: this cannot happen by a slip."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": "four words in a row", "confirm": "maija@example.org"}]}
    )

    password: str = Field(min_length=1, max_length=1024)
    confirm: str = Field(min_length=1, max_length=254, description="The account's own address.")


class FateView(View):
    """What becomes of one field."""

    collection: str = Field(examples=["contacts"])
    field: str = Field(examples=["phone"])
    what: str = Field(examples=["deleted"], description="`deleted`, `emptied` or `kept`.")
    why: str
    until: str = Field(description="How long it is kept; empty where it is not.")


class ErasureView(View):
    """The plan, and how far it has come."""

    state: str = Field(examples=["none"], description="`none`, `asked`, `running`, `done` or `undone`.")
    asked_at: Instant | None = None
    due_at: Instant | None = Field(default=None, description="Until then it can be undone.")
    undo: bool = Field(default=False, description="Whether it can be undone.")
    held_up: str = Field(default="", description="What keeps it from being done, empty for nothing.")
    receipt: str | None = Field(default=None, description="Address of the receipt. Keep it: you cannot sign in after.")
    consequences: list[str]
    held: list[HeldView] = Field(description="What of yours is held: a sealed copy of it stays until that ends.")
    stored: dict[str, int] = Field(description="How many records of yours there are now, by collection.")
    fields: list[FateView]


class ReceiptQuery(Query):
    """Which receipt."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_\-]+$")


class ProviderView(View):
    """How many messages or calls a provider was asked to erase, by what it answered."""

    provider: str = Field(examples=["twilio"])
    way: str = Field(examples=["sms"])
    answer: str = Field(
        examples=["erased"],
        description="`waiting`, `erased`, `gone` (it had nothing any more), `cannot` (it offers no way) or `gave_up`.",
    )
    count: int


class ReceiptView(View):
    """What was done. It names nobody; whoever holds the address can show that it was."""

    id: str
    state: str
    asked_at: Instant
    due_at: Instant
    done_at: Instant | None
    removed: dict[str, int] = Field(description="How many records went, by collection; `keys` are keys destroyed.")
    searched: bool = Field(description="Every file of the installation was searched, and nothing was found.")
    held_up: str = Field(description="What keeps it from being done, empty for nothing.")
    kept: list[FateView]
    held: list[HeldView] = Field(description="What is kept under a hold, or was; with its end the copy is destroyed.")
    elsewhere: list[ProviderView] = Field(description="What providers of texts and calls answered.")


async def show(call: Call[None, None]) -> ErasureView:
    """Show field by field what an erasure would remove, what would stay, why and until when."""
    return await _view(call.portal, call.account, await _latest(call.records, call.account.id))


async def ask(call: Call[ErasureWish, None]) -> ErasureView | Problem:
    """Ask to be erased. It can be undone until `due_at`; word of it goes out by every way that reaches you.

    Needs the password and the account's own address; a wish that is there already stays as it is.
    """
    portal, account = call.portal, call.account
    if call.body.confirm.strip().casefold() != account.email.casefold():
        return fault("confirm", "Type the address of your own account.")
    wrong = await why_not_them(portal, account, call.body.password, client=call.client)
    if wrong is not None:
        return wrong
    if await _to_come(call.records, account.id) is None:
        await portal.limits.demand(WISHES, account.id)
    return await _view(portal, account, await wish_to_be_erased(portal, account))


async def undo(call: Call[None, None]) -> ErasureView | Problem:
    """Take the wish back, while it has not begun."""
    undone_now = await call.records.change_one(
        Erasure,
        is_("open_key", call.account.id),
        is_("state", ErasureState.ASKED),
        state=ErasureState.UNDONE,
        open_key=None,
        farewell_ids=(),
    )
    if undone_now is None:
        begun = await _to_come(call.records, call.account.id)
        detail = "It has begun and cannot be undone." if begun else "There is nothing to undo."
        return Problem(status=409, kind="nothing-to-undo", detail=detail)
    words = undone(call.account.language)
    await call.records.add_all(await _farewells(call.portal, call.account, undone_now, words))
    log.info("erasure_undone", erasure_id=undone_now.id, account_id=call.account.id)
    return await _view(call.portal, call.account, undone_now)


async def receipt(call: Call[None, ReceiptQuery]) -> ReceiptView | Problem:
    """Show how far an erasure has come, or that it was done, to whoever holds its id."""
    found = await call.records.get(Erasure, call.query.id)
    if found is None:
        return not_found()
    now = call.clock.now()
    told = await by_ids(call.records, found.holds, now)
    if found.account_id and found.state is not ErasureState.DONE:
        told = await in_force_for(call.records, found.account_id, now)
    holds = [each for each in told if each.state is HoldState.IN_FORCE]
    return ReceiptView(
        id=found.id,
        state=found.state.value,
        asked_at=found.asked_at,
        due_at=found.due_at,
        done_at=found.done_at,
        removed=dict(found.removed),
        searched=found.state is ErasureState.DONE,
        held_up=_held_up(found, holds),
        kept=[each for each in _fates(holds) if each.what == "kept"],
        held=[held_view(each) for each in told],
        elsewhere=await _elsewhere(call.records, found.id),
    )


async def _elsewhere(records: Records, erasure_id: str) -> list[ProviderView]:
    counted: Counter[tuple[str, str, str]] = Counter()
    async for each in every(records, ProviderErasure, is_("erasure_id", erasure_id)):
        counted[each.provider, each.channel.value, each.answer.value] += 1
    return [
        ProviderView(provider=provider, way=way, answer=answer, count=count)
        for (provider, way, answer), count in sorted(counted.items())
    ]


async def wish_to_be_erased(portal: Portal, account: Account) -> Erasure:
    """Note the wish of somebody who proved who they are; one that is there already stays as it is."""
    async with portal.turns.of(f"erasure {account.id}"):
        while (there := await _to_come(portal.records, account.id)) is None:
            noted = await _note(portal, account)
            if noted is not None:
                return noted
        return there


async def _note(portal: Portal, account: Account) -> Erasure | None:
    """Store the wish and the messages about it in one step: neither is there without the other.

    None where another portal stored one in the same moment.
    """
    now = portal.clock.now()
    due = now + timedelta(seconds=portal.settings.erasure_grace_s)
    made = Erasure(id=erasure_id(account.id, now), account_id=account.id, asked_at=now, due_at=due, open_key=account.id)
    words = asked(account.language, day=due, link=receipt_link(portal, made), page=portal.settings.link("/"))
    letters = await _farewells(portal, account, made, words)
    made = replace(made, farewell_ids=tuple(each.id for each in letters))
    try:
        await portal.records.add(made, *letters)
    except AlreadyThereError:
        return None
    log.info("erasure_asked", erasure_id=made.id, account_id=account.id)
    return made


async def _farewells(portal: Portal, account: Account, erasure: Erasure, words: Farewell) -> list[Delivery]:
    """Return the messages to the account's holder: by mail, and by text where their telephone is known to be theirs."""
    now, ways = portal.clock.now(), [(ChannelKind.EMAIL, account.email)]
    own = await portal.records.get(Contact, owner_contact_id(account.id))
    if own is not None and own.phone and own.phone_verified_at and own.paused_at is None:
        ways.append((ChannelKind.SMS, own.phone))
    return [_farewell(account, erasure, way, words, now) for way in ways]


def _farewell(
    account: Account, erasure: Erasure, way: tuple[ChannelKind, str], words: Farewell, now: datetime
) -> Delivery:
    channel, address = way
    by_mail = channel is ChannelKind.EMAIL
    return Delivery.of(
        Letter(subject=words.subject, text=words.mail) if by_mail else Letter(subject="", text=words.text),
        person_id=account.id,
        channel=channel,
        address=address,
        now=now,
        useful=NOTICE_USEFUL,
        once=(erasure.id, erasure.state, channel),
    )


async def _to_come(records: Records, account_id: str) -> Erasure | None:
    found = await records.find(Erasure, is_("account_id", account_id), one_of("state", TO_COME), limit=1)
    return found[0] if found else None


async def _latest(records: Records, account_id: str) -> Erasure | None:
    found = await records.find(Erasure, is_("account_id", account_id), order_by="asked_at", descending=True, limit=1)
    return found[0] if found else None


async def _view(portal: Portal, account: Account, erasure: Erasure | None) -> ErasureView:
    stored = {Device.collection: await portal.records.count(Device, is_("owner_id", account.id))}
    for kind in erased_with_the_account():
        stored[kind.collection] = sum(
            [await portal.records.count(kind, is_(field, account.id)) for field in account_fields(kind)]
        )
    now = portal.clock.now()
    not_yet = (is_("account_id", account.id), above("silent_until", now))
    stored[Disclosure.collection] -= await portal.records.count(Disclosure, *not_yet)  # a number would tell of them
    holds = await in_force_for(portal.records, account.id, now)
    said = {
        "stored": stored,
        "consequences": list(CONSEQUENCES),
        "held": [held_view(each) for each in holds],
        "fields": _fates(holds),
    }
    if erasure is None:
        return ErasureView(state="none", **said)
    return ErasureView(
        state=erasure.state.value,
        asked_at=erasure.asked_at,
        due_at=erasure.due_at,
        undo=erasure.state is ErasureState.ASKED,
        held_up=_held_up(erasure, holds),
        receipt=receipt_link(portal, erasure),
        **said,
    )


def _held_up(erasure: Erasure, told: Sequence[Hold]) -> str:
    """Return what keeps an erasure from being done; that a hold does, only where the person may know of that one.

    All other causes have one sentence, or that of a hold which may not be told could be known by its own.
    """
    if not erasure.problem:
        return ""
    may_know = erasure.problem == HOLD_UNCOPIED and any(each.uncopied_since for each in told)
    return HOLD_UNCOPIED if may_know else TRIED_AGAIN


def _fates(holds: Sequence[Hold]) -> list[FateView]:
    return [
        FateView(collection=each.collection, field=each.field, what=each.what, why=each.why, until=each.until)
        for each in plan_under(holds)
    ]


def receipt_link(portal: Portal, erasure: Erasure) -> str:
    """Return the address of the receipt."""
    return portal.settings.link(f"/api/v1/privacy/receipts?id={erasure.id}")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/privacy/erasure",
        handler=show,
        summary="What an erasure removes, and how far it has come",
        answers={200: ErasureView},
    ),
    Route(
        method="POST",
        path="/privacy/erasure",
        handler=ask,
        summary="Ask to be erased",
        body=ErasureWish,
        answers={202: ErasureView},
        problems=(403, 429),
    ),
    Route(
        method="DELETE",
        path="/privacy/erasure",
        handler=undo,
        summary="Take the wish to be erased back",
        answers={200: ErasureView},
        problems=(409,),
    ),
)
