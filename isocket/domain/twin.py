"""What is wanted of a device beside what it says it is: where the two differ, since when, and why."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from isocket.domain.devices import Device
from isocket.domain.settings import for_device
from isocket.kit.clock import from_text, to_text


class Unlike(StrEnum):
    """Why a setting is not as it is wanted."""

    PENDING = "pending"  # the device has not said yet that it follows this version
    REFUSED = "refused"  # it follows the version, but not in this
    CHANGED = "changed"  # it did, and was set otherwise since: at the device, or by SMS


def unlike_keys(desired: Mapping[str, Any], reported: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys in which a device that was told `desired` says that it is otherwise, in their order."""
    wanted = for_device(desired)
    return tuple(key for key, value in wanted.items() if not _alike(value, reported.get(key)))


def noted(device: Device, reported: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what to keep of a device's new word: each key in which it differs, with why and since when."""
    if reported.get("version") != device.desired_version:
        return {}
    followed = device.reported.get("version") == device.desired_version
    first = Unlike.CHANGED if followed else Unlike.REFUSED
    return {
        key: device.unlike.get(key) or {"why": first.value, "since": to_text(now)}
        for key in unlike_keys(device.desired, reported)
    }


def differences(device: Device) -> list[tuple[str, Unlike, datetime | None]]:
    """Return each key in which a device is not as it is wanted, with why and since when (None: that is not known)."""
    if device.reported.get("version") != device.desired_version:
        return [(key, Unlike.PENDING, device.desired_at) for key in unlike_keys(device.desired, device.reported)]
    return [(key, Unlike(each["why"]), from_text(each["since"])) for key, each in device.unlike.items()]


def _alike(wanted: Any, told: Any) -> bool:
    """Compare as far as both speak of the same: a device has no word for what it lacks, and more than it was told."""
    match wanted:
        case dict():
            return isinstance(told, dict) and all(
                _alike(value, told.get(key)) for key, value in wanted.items() if key != "name" or value is not None
            )
        case list():
            return isinstance(told, list) and _alike_lists(wanted, told)
    return bool(wanted == told)


def _alike_lists(wanted: list[Any], told: list[Any]) -> bool:
    """Compare rules one by one, and parts by their place: a device has no word for parts that it lacks."""
    if wanted and isinstance(wanted[0], dict) and "at" not in wanted[0]:
        return len(told) <= len(wanted) and all(_alike(*each) for each in zip(wanted, told, strict=False))
    return len(wanted) == len(told) and all(_alike(*each) for each in zip(wanted, told, strict=True))
