"""Somebody beside each customer who has the same of everything, to show that what one does touches nobody else.

The ids of twins come first in the order: a question that leaves a test out finds a twin before who is meant.
"""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from isocket.domain.accounts import Bucket
from isocket.domain.contacts import ChannelKind, Substitution
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import IncidentState
from isocket.domain.problems import Problem
from isocket.domain.record import Record, stored_classes
from isocket.domain.replays import Replay
from isocket.domain.watches import Watch
from isocket.storage.port import Records
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, incident, owned, verified
from tests.fakes.portal_house import PortalHouse

AT = f"/devices/{SOCKET}"

_SECRETS = ("_hash", "_key")  # what only one may have


@dataclass(frozen=True, slots=True)
class Twins:
    """The records that were put beside others, as they are stored."""

    records: Records
    stored: tuple[Record, ...]

    async def touched(self) -> list[str]:
        """Return what became of twins since; nothing where all are as they were."""
        found = []
        for each in self.stored:
            now = await self.records.get(type(each), each.id)
            if now != each:
                what = "is gone" if now is None else f"has other {_other_fields(each, now)}"
                found.append(f"{type(each).__name__} {each.id} {what}")
        return found


async def twins_of(house: PortalHouse, *usernames: str) -> Twins:
    """Store everything once more as another customer's, with ids that begin with 0.

    What the customers `usernames` have, sockets, contacts, sessions and so on, is stored a third time as theirs, with
    ids that begin with 1.
    """
    records, whose = house.records, {(await house.account(each)).id for each in usernames}
    found = [each for kind in stored_classes() if kind is not Bucket for each in await records.find(kind)]
    ids = {each.id for each in found}
    made = [_twin(each, ids, "0") for each in found]
    if whose:
        made += [_twin(each, ids - whose, "1") for each in found if each.id not in whose]
    await records.add_all(made)
    stored = [await records.get(type(each), each.id) for each in made]
    return Twins(records, tuple(each for each in stored if each is not None))


def _twin(one: Record, ids: set[str], first: str) -> Record:
    told = {each.name: getattr(one, each.name) for each in fields(one) if each.name not in {"id", "version"}}
    for name, value in told.items():
        told[name] = _renamed(value, ids, first)
        secret = name.endswith(_SECRETS) or (name == "email" and first == "0")
        if secret and value and told[name] == value:
            told[name] = first + value
    for group in type(one).unique:
        if "id" not in group and all(told[name] == getattr(one, name) for name in group):
            told[group[-1]] = _another(told[group[-1]], first)
    return replace(one, id=first + one.id, version=1, **told)


def _renamed(value: Any, ids: set[str], first: str) -> Any:
    if isinstance(value, str):
        return first + value if value in ids else value
    if isinstance(value, tuple):
        return tuple(_renamed(each, ids, first) for each in value)
    if isinstance(value, dict):
        return {key: _renamed(each, ids, first) for key, each in value.items()}
    return value


def _another(value: Any, first: str) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    return value + 1000 if isinstance(value, int) else f"{first}{value}"


def _other_fields(before: Record, now: Record) -> list[str]:
    return [each.name for each in fields(before) if getattr(before, each.name) != getattr(now, each.name)]


async def furnished(house: PortalHouse) -> str:
    """Return the token of Maija, whose socket has one of everything that hangs on one."""
    owner = await owned(house)
    maija = (await house.account(MAIJA)).id
    contact = (await verified(house, owner))["id"]
    await house.does(owner, "POST", f"{AT}/commands", {"name": "on"})
    await house.does(owner, "PUT", f"{AT}/escalation", {"steps": [{"after_s": 0, "contacts": [contact]}]})
    await house.does(owner, "POST", f"{AT}/shares", {"email": PEKKA, "role": "viewer"})
    await house.does(owner, "POST", f"{AT}/transfer", {"email": PEKKA})
    wish = {"name": "Adviser", "purpose": "Heat", "scopes": ["read:telemetry"], "device_ids": [SOCKET]}
    await house.does(owner, "POST", "/api-tokens", wish)
    await _noted(house, maija, contact)
    return owner


async def _noted(house: PortalHouse, account_id: str, contact_id: str) -> None:
    """Store what rooms note besides: an open and a closed incident, messages of it, judgements, a refused message."""
    now, records = house.clock.now(), house.records
    await incident(house, "inc_1", account_id)
    over: dict[str, Any] = {"state": IncidentState.CLOSED, "closed_at": now, "open_key": None}
    await incident(house, "inc_2", account_id, **over)
    due = Delivery(
        id="dlv_1", account_id=account_id, person_id=contact_id, contact_id=contact_id, incident_id="inc_1",
        kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address="+447700900123", text="No mains.", created_at=now,
        due_at=now, moves_on=True,
    )  # fmt: skip
    await records.add(due, replace(due, id="dlv_2", incident_id="inc_2"))
    away: dict[str, Any] = {"contact_id": contact_id, "stand_in_id": contact_id, "created_at": now}
    until = now + timedelta(days=3)
    await records.add(
        Substitution(id="sub_1", account_id=account_id, device_id=SOCKET, from_at=now, until_at=until, **away),
        Problem(id="prb_1", device_id=SOCKET, at=now, topic_kind="state", reason="no number"),
        Replay(
            id="rpl_1", account_id=account_id, device_id=SOCKET, start_at=now, end_at=until, settings={}, created_at=now
        ),
        Watch(id=SOCKET, judged_boot=1, judged_seq=1, claimed_at=None, conditions={}),
    )
