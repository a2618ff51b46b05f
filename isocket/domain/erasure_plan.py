"""What an erasure does with every stored field: it goes, is emptied, or stays, why and until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from isocket.domain import STORED
from isocket.domain.accounts import Bucket
from isocket.domain.archives import Archive
from isocket.domain.authority_cases import AuthorityCase, HandedPage
from isocket.domain.breaches import Breach
from isocket.domain.collected import TELEMETRY, TELEMETRY_COLLECTION
from isocket.domain.consents import Suppression
from isocket.domain.devices import Device
from isocket.domain.erasures import Erasure
from isocket.domain.holds import HeldCopy, Hold, HoldGround, collections_of, proofs_of
from isocket.domain.provider_erasures import ProviderErasure
from isocket.domain.record import Record, personal_fields
from isocket.domain.stops import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one field."""

    collection: str
    field: str
    what: str  # deleted, emptied, kept
    why: str
    until: str = ""


GOES = "Art. 17(1): you ask for it, and nothing obliges us to keep it."
STAYS_WITH_THE_SOCKET = "The socket goes back to the state of the factory; its record stays without you."
OBJECTION = "Art. 21: who asked us to stop is not written to because somebody enters them anew. Sealed."
REGISTER = "Art. 33(5): every breach is on record, in words and numbers. Your own line in it goes."
COMES_BACK = "its reader wants messages again"
ASKED_ELSEWHERE = "Art. 17(2), 19: by it a provider is asked to erase; it goes with its answer."
ANSWERED = "Art. 17(3)(b): only where a court or an authority asked; shows what it was given. Sealed."
HELD = "Art. 17(3)(b) and (e): only where a dispute or an order needs it, and told unless that forbids it. Sealed."
SEALED = (
    "Art. 17(3)(b) and (e): only where an account that you had before was archived. What law needs of it is sealed to "
    "managers, who find it by this keyed hash of your mailbox."
)
DESTROYED = "the archive's time is over and it is destroyed"
PROOF = "Art. 5(2): shows that you were erased. It names nobody."


def erased_with_the_account() -> tuple[type[Record], ...]:
    """Return the classes whose records go whole, by the field that names their account."""
    apart = {Device, Erasure}
    return tuple(kind for kind in STORED if kind.account is not None and kind not in apart)


@cache
def plan() -> tuple[Fate, ...]:
    """Return the fate of every stored field that tells about a person."""
    fates = [
        _fate(kind, name) for kind in STORED for name in personal_fields(kind) if (kind, name) != (Erasure, "asked_at")
    ]
    fates += [Fate(collection=TELEMETRY_COLLECTION, field=name, what="deleted", why=GOES) for name in TELEMETRY]
    return (*fates, *KEPT_BESIDE)


def plan_under(holds: Iterable[Hold]) -> tuple[Fate, ...]:
    """Return the plan as these holds narrow it: of what they name a sealed copy stays until they end."""
    held: dict[str, Hold] = {}
    for each in sorted(holds, key=lambda each: each.ends_at):
        held |= dict.fromkeys(collections_of(each.parts), each)  # the longest holds
    return tuple(_narrowed(fate, held.get(fate.collection)) for fate in plan())


@cache
def _proofs() -> frozenset[tuple[str, str]]:
    return frozenset((kind.collection, name) for kind in STORED for name in proofs_of(kind))


def _narrowed(fate: Fate, hold: Hold | None) -> Fate:
    if hold is None or fate.what == "kept" or (fate.collection, fate.field) in _proofs():
        return fate
    why = f"{HELD_BECAUSE[hold.ground]} A copy is kept apart, sealed, and used for nothing else."
    return replace(fate, what="kept", why=why, until=f"{hold.ends_at:%Y-%m-%d}, or sooner")


HELD_BECAUSE: Mapping[HoldGround, str] = MappingProxyType(
    {
        HoldGround.CLAIM: "Art. 17(3)(e): a claim is under way.",
        HoldGround.COMPLAINT: "Art. 17(3)(e): a complaint is under way.",
        HoldGround.WARRANTY: "Art. 17(3)(e): something is claimed under the warranty.",
        HoldGround.ORDER: "Art. 17(3)(b): a court or an authority has ordered it.",
    }
)

KEPT_BESIDE = (
    Fate(
        collection=Bucket.collection,
        field="id",
        what="kept",
        why="Art. 6(1)(f): a keyed hash that counts how often something was tried; nobody can be read out of it.",
        until="at most 32 days",
    ),
    Fate(
        collection=Suppression.collection,
        field="id",
        what="kept",
        why="Art. 21(3): a keyed hash, because of which a mailbox that left the newsletter does not get it again.",
        until="its reader asks for the newsletter again",
    ),
    Fate(
        collection=Erasure.collection,
        field="asked_at",
        what="kept",
        why=PROOF,
        until="while this installation lives",
    ),
    Fate(
        collection="keyring",
        field="person",
        what="kept",
        why="Art. 17(3)(b): a keyed hash with an emptied key, because of which you are not stored again by accident.",
        until="while this installation lives",
    ),
    Fate(
        collection="erasure ledger",
        field="tombstone",
        what="kept",
        why="A hash of a random number, because of which a restored backup does not bring you back.",
        until="while this installation lives",
    ),
    Fate(
        collection="incidents of others",
        field="acknowledged_by",
        what="kept",
        why="Where you took an alarm of a socket that was shared with you, its owner's record says under which number. "
        "It is random, names nobody, and with you goes all that leads from it to you.",
        until="3 years after the alarm, or its owner is erased",
    ),
    Fate(
        collection="backups",
        field="everything sealed",
        what="kept",
        why="Backups made before hold ciphertext only, whose key is destroyed.",
        until="the operator's next rounds of backups",
    ),
    Fate(
        collection="broker",
        field="settings and commands on their way",
        what="kept",
        why="What a socket that is out of reach has not fetched yet waits for it under its own name, without yours.",
        until="the socket connects, or our broker starts anew after the erasure or 14 days of silence; "
        "another broker than ours has rules of its own",
    ),
    Fate(
        collection="SMS and voice providers",
        field="messages and calls",
        what="kept",
        why="They are asked to erase each one, where they offer that; the receipt says what they answered.",
        until="their answer, or their own rules",
    ),
    Fate(
        collection="mail servers",
        field="messages sent",
        what="kept",
        why="They have what was sent to them, under their own rules and contracts with us.",
        until="see the notice",
    ),
)
CONSEQUENCES = (
    "Your sockets are set free and no longer watched: nobody is alarmed any more, whatever they report.",
    "The people whom you entered to be told are erased with you.",
    "Whoever shares a socket with you is told by mail that somebody sees it no more, and not why.",
    "You cannot sign in any more; with the same address you can open a new account, which knows nothing of this one.",
    "How long your sockets are under warranty is not known to us any more: keep what the shop gave you as a proof.",
    "If another customer entered you as somebody to be told, that stays theirs: answer STOP, or ask us.",
)


_CASE_LIFE = "3 years after the case was closed; what was handed out, 30 days"
_STAYS: Mapping[type[Record], tuple[str, str]] = MappingProxyType(
    {
        Stop: (OBJECTION, COMES_BACK),
        Breach: (REGISTER, "five years after it was closed"),
        Archive: (SEALED, DESTROYED),
        AuthorityCase: (ANSWERED, _CASE_LIFE),
        HandedPage: (ANSWERED, _CASE_LIFE),
        Hold: (HELD, "3 years after the end of the hold"),
        HeldCopy: (HELD, "the end of the hold"),
    }
)
"""Why the fields of a class stay, and until when."""
_EMPTIED: Mapping[type[Record], str] = MappingProxyType(
    {Archive: GOES, ProviderErasure: ASKED_ELSEWHERE, Device: STAYS_WITH_THE_SOCKET, Erasure: GOES}
)
"""Why a record stays without what its fields say; of an archive, without whose it is."""


def _fate(kind: type[Record], name: str) -> Fate:
    if kind in _STAYS and (kind, name) != (Archive, "account_id"):
        why, until = _STAYS[kind]
        return Fate(collection=kind.collection, field=name, what="kept", why=why, until=until)
    what = "emptied" if kind in _EMPTIED else "deleted"
    return Fate(collection=kind.collection, field=name, what=what, why=_EMPTIED.get(kind, GOES))
