"""What a device remembers while the simulator is not running: one small JSON file for each."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from firmware_sim.commands import Verdict
from firmware_sim.device import Flash
from firmware_sim.wire import Cause, Kind, Outgoing, RelayCause, Result


class StateFolder:
    """Files by device id. A file that cannot be read counts as none: the device starts as new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def save(self, device_id: str, flash: Flash, backlog: tuple[Outgoing, ...]) -> None:
        """Replaces the file in one step, so a kill in the middle leaves the old one."""
        target = self._file(device_id)
        fresh = target.with_suffix(".new")
        fresh.write_text(json.dumps({"flash": _flash_out(flash), "backlog": [_out(m) for m in backlog]}))
        os.replace(fresh, target)  # noqa: PTH105 - the one call whose name says that it replaces

    def load(self, device_id: str) -> tuple[Flash, tuple[Outgoing, ...]] | None:
        try:
            body = json.loads(self._file(device_id).read_text())
            return _flash_in(body["flash"]), tuple(_in(item) for item in body["backlog"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _file(self, device_id: str) -> Path:
        return self._path / f"{quote(device_id, safe='')}.json"


def _flash_out(flash: Flash) -> dict[str, Any]:
    return asdict(flash) | {"answered": [[command_id, v.result, v.error] for command_id, v in flash.answered]}


def _flash_in(body: dict[str, Any]) -> Flash:
    return Flash(
        boot=body["boot"],
        version=body["version"],
        settings=body["settings"],
        relay=body["relay"],
        relay_cause=RelayCause(body["relay_cause"]),
        aux=body["aux"],
        armed=body["armed"],
        answered=tuple((i, Verdict(result=Result(r), error=e)) for i, r, e in body["answered"]),
        alarms=tuple((Cause(cause), probe) for cause, probe in body["alarms"]),
    )


def _out(message: Outgoing) -> list[Any]:
    return [message.kind, message.boot, message.seq, message.payload.decode()]


def _in(item: list[Any]) -> Outgoing:
    kind, boot, seq, payload = item
    return Outgoing(kind=Kind(kind), boot=boot, seq=seq, payload=payload.encode())
