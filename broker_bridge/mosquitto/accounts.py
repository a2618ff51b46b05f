"""Who may log in to the broker: the devices, and the two accounts of the bridge."""

import re
from dataclasses import dataclass, field

from isocket.domain.secrets import hash_secret, is_secret_hash, new_secret

BRIDGE_TELEMETRY = "isocket-bridge-telemetry"
BRIDGE_ALARMS = "isocket-bridge-alarms"
BRIDGE_NAMES = (BRIDGE_TELEMETRY, BRIDGE_ALARMS)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")


class AccountError(ValueError):
    """An account that must not reach the broker's file: it could open more than its own topics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLogin:
    """What a bridge logs in with; its client id is the same name, its session persistent."""

    name: str
    secret: str = field(repr=False)


def new_bridge_logins() -> tuple[BridgeLogin, ...]:
    """Return the accounts of the bridge, telemetry first, with new secrets that live as long as the process."""
    return tuple(BridgeLogin(name=name, secret=new_secret()) for name in BRIDGE_NAMES)


def bridge_lines(logins: tuple[BridgeLogin, ...]) -> list[str]:
    """Return the lines of the bridge's accounts for the broker's password file."""
    return [f"{login.name}:{hash_secret(login.secret)}" for login in logins]


def device_line(device_id: str, secret_hash: str) -> str:
    """Return the line of a device for the broker's password file.

    Raises `AccountError` for a name that is the bridge's or could break out of a line or a topic, and for a
    hash in another form than `isocket.domain.secrets.hash_secret` writes.
    """
    if device_id in BRIDGE_NAMES or _NAME.fullmatch(device_id) is None:
        raise AccountError(f"{device_id!r} cannot be a device's user name: use letters, digits, '-', '_' and '.'.")
    if not is_secret_hash(secret_hash):
        raise AccountError(f"The secret of {device_id} is not stored as hash_secret() writes it; provision it anew.")
    return f"{device_id}:{secret_hash}"
