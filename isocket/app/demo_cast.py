"""Who plays in the demonstration: five sockets and their owner, made once and remembered in the data folder."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from firmware_sim.credentials import Credential, load_credentials
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
    folder = house.folder.demo
    folder.mkdir(mode=0o700, exist_ok=True)
    owner_file, sockets_file = folder / "owner.json", folder / "sockets.jsonl"
    if not owner_file.exists():
        made = Owner(username=USERNAME, password=new_claim_code().lower())
        _write(owner_file, json.dumps(asdict(made)))
    if not await _are_known(house, sockets_file):
        _write(sockets_file, "".join([line async for line in _factory(house)]))
    owner = Owner(**json.loads(owner_file.read_text(encoding="utf-8")))
    return Cast(owner=owner, sockets=tuple(load_credentials(sockets_file)), folder=folder)


async def _are_known(house: House, sockets_file: Path) -> bool:
    if not sockets_file.exists():
        return False
    found = [await house.records.get(Device, each.device_id) for each in load_credentials(sockets_file)]
    return len(found) == len(SOCKETS) and None not in found


async def _factory(house: House) -> AsyncIterator[str]:
    for model in SOCKETS.values():
        async for made in provision(house.records, house.clock, model=model, count=1):
            yield made.as_json() + "\n"


def _write(path: Path, text: str) -> None:
    """Put `text` in place of the file at once, so that a second run finds all of it or nothing."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - the one call whose name says that it replaces
