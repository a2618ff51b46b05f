"""Ends sessions that have waited too long for their device: with a time limit of its own Mosquitto dies.

A session is ended by a login that asks for a clean one. That is done at the start of a broker, before any device is let
in, so it can cut nobody off; the accounts for it are of that moment.
"""

import mmap
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from broker_bridge.mosquitto.accounts import AccountError, BridgeLogin, device_line
from broker_bridge.mosquitto.config import BrokerConfig
from broker_bridge.mosquitto.login import LoginAnswer, log_in_once
from isocket.domain.secrets import hash_secret, new_secret
from isocket.kit.logs import get_logger

log = get_logger(__name__)

AwaitedOf = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Takes names of devices and returns those whose sessions are to be kept."""

# A subscription as it stands in Mosquitto's file; nothing stays retained under these two.
_SUBSCRIBED = re.compile(rb"isocket/v1/[^/\0]+/([A-Za-z0-9_.\-]+)/(?:cmd|stored)")


def devices_in(saved: Path) -> set[str]:
    """Return the names of the devices that have a session in the file that the broker saved; none without a file."""
    try:
        with saved.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return {match[1].decode() for match in _SUBSCRIBED.finditer(content)}
    except (FileNotFoundError, ValueError):  # the latter for an empty one
        return set()


def passing_logins(names: Iterable[str]) -> list[BridgeLogin]:
    """Return a login with a new secret for each name that can be a device's."""
    return [BridgeLogin(name=name, secret=new_secret()) for name in sorted(names) if _may_be_a_device(name)]


async def end_sessions(config: BrokerConfig, logins: Iterable[BridgeLogin]) -> None:
    """End the session of each; one that cannot be ended now is so at the next start."""
    ended = 0
    try:
        for login in logins:
            answer = await log_in_once(config.host, config.port, login, clean=True)
            ended += answer is LoginAnswer.ACCEPTED
    except (OSError, ValueError) as error:
        log.warning("broker_sessions_not_ended", error=type(error).__name__)
    if ended:
        log.info("broker_sessions_ended", devices=ended)


def _may_be_a_device(name: str) -> bool:
    try:
        device_line(name, hash_secret(new_secret()))
    except AccountError:
        return False
    return True
