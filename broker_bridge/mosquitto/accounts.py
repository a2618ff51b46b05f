"""Who may log in to the broker: the devices, the homes of customers, and the accounts of the bridge."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from isocket.domain.homes import is_home
from isocket.domain.secrets import hash_secret, is_secret_hash, new_secret

BRIDGE_TELEMETRY = "isocket-bridge-telemetry"
BRIDGE_ALARMS = "isocket-bridge-alarms"
BRIDGE_HOMES = "isocket-bridge-homes"  # speaks with the home automation of customers, and hears no device
BRIDGE_NAMES = (BRIDGE_TELEMETRY, BRIDGE_ALARMS)
OUR_NAMES = (*BRIDGE_NAMES, BRIDGE_HOMES)

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


def new_homes_login() -> BridgeLogin:
    """Return the account by which the bridge speaks with homes, with a new secret as well."""
    return BridgeLogin(name=BRIDGE_HOMES, secret=new_secret())


def bridge_lines(logins: Iterable[BridgeLogin]) -> list[str]:
    """Return the lines of the bridge's accounts for the broker's password file."""
    return [f"{login.name}:{hash_secret(login.secret)}" for login in logins]


def device_line(device_id: str, secret_hash: str) -> str:
    """Return the line of a device for the broker's password file.

    Raises `AccountError` for a name that is the bridge's or a home's or could break out of a line or a topic, and for a
    hash in another form than `isocket.domain.secrets.hash_secret` writes.
    """
    if is_home(device_id):
        raise AccountError(f"{device_id!r} cannot be a device's user name: it is that of a home.")
    return _line("device", device_id, secret_hash)


def home_line(home_id: str, secret_hash: str) -> str:
    """Return the line of a home for the broker's password file. Raises as `device_line` does."""
    if not is_home(home_id):
        raise AccountError(f"{home_id!r} cannot be a home's user name.")
    return _line("home", home_id, secret_hash)


def _line(kind: str, name: str, secret_hash: str) -> str:
    if name in OUR_NAMES or _NAME.fullmatch(name) is None:
        raise AccountError(f"{name!r} cannot be a {kind}'s user name: use letters, digits, '-', '_' and '.'.")
    if not is_secret_hash(secret_hash):
        raise AccountError(f"The secret of {name} is not stored as hash_secret() writes it; make a new one.")
    return f"{name}:{secret_hash}"
