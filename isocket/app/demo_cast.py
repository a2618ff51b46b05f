"""Who plays in the demonstration: five sockets and their owner, made once and remembered in the data folder."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from firmware_sim.credentials import Credential, load_credentials, parse_credential
from isocket.app.house import House
from isocket.app.provision import ModelName, provision
from isocket.domain.devices import Device
from isocket.domain.secrets import new_claim_code

USERNAME = "demo@example.org"
PHONE = "+447700900123"  # from the range that Ofcom keeps for drama: nobody has it

SOCKETS = MappingProxyType(
    {
        "Cottage": ModelName.ISOCKET_707,
        "Pump room": ModelName.ISOCKET_3G,
        "Boathouse": ModelName.ISOCKET_4G,
        "Greenhouse": ModelName.ISOCKET_ENVIRONMENT_PRO,
        "Garage": ModelName.ISOCKET_4G,
    }
)
"""Nickname and model, in the order in which the scripted day counts them."""

CUT_EACH_TIME = "Cottage"
"""Whose mains goes off soon after each start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The customer of the demonstration. The password is no secret: it is printed, and guards toys."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """All who play."""

    owner: Owner
    sockets: tuple[Credential, ...]
    folder: Path

    @property
    def nicknames(self) -> dict[str, str]:
        """Return the nickname of each device by its id."""
        return {socket.device_id: name for socket, name in zip(self.sockets, SOCKETS, strict=True)}


async def gather_cast(house: House) -> Cast:
    """Return the cast of the last run; make those who are missing, as in a data folder that was emptied by hand."""
    known = await asyncio.to_thread(_remembered, house.folder.demo)
    owner = known.owner if known else Owner(username=USERNAME, password=new_claim_code().lower())
    sockets = known.sockets if known and await _are_stored(house, known.sockets) else await _factory(house)
    cast = Cast(owner=owner, sockets=sockets, folder=house.folder.demo)
    await asyncio.to_thread(_remember, cast)
    return cast


async def _are_stored(house: House, sockets: tuple[Credential, ...]) -> bool:
    found = [await house.records.get(Device, each.device_id) for each in sockets]
    return len(found) == len(SOCKETS) and None not in found


async def _factory(house: House) -> tuple[Credential, ...]:
    return tuple(
        [
            parse_credential(made.as_json())
            for model in SOCKETS.values()
            async for made in provision(house.records, house.clock, model=model, count=1)
        ]
    )


def _remembered(folder: Path) -> Cast | None:
    owner, sockets = folder / "owner.json", folder / "sockets.jsonl"
    if not owner.exists() or not sockets.exists():
        return None
    return Cast(
        owner=Owner(username=USERNAME, password=json.loads(owner.read_text(encoding="utf-8"))["password"]),
        sockets=tuple(load_credentials(sockets)),
        folder=folder,
    )


def _remember(cast: Cast) -> None:
    cast.folder.mkdir(mode=0o700, exist_ok=True)
    _write(cast.folder / "sockets.jsonl", "".join(f"{json.dumps(asdict(each))}\n" for each in cast.sockets))
    # Not the address: an erasure searches every file for it, and would never be done.
    _write(cast.folder / "owner.json", json.dumps({"password": cast.owner.password}))


def _write(path: Path, text: str) -> None:
    """Put `text` in place of the file at once, so that a second run finds all of it or nothing."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - the one call whose name says that it replaces
