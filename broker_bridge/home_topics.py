"""Topics between the cloud and the home automation of customers: made and taken apart in this one place.

Each home has a branch of its own, named as its user name at the broker. Its announcements stand where Home Assistant
looks for them by itself: `<prefix>/device/<node>/<object>/config`, with the home as the node.
"""

from typing import NamedTuple

from paho.mqtt.client import topic_matches_sub

from broker_bridge.topics import PREFIX

PRESENCE = "homeassistant/status"
"""Where every Home Assistant says that it came or went, unless it is set otherwise."""

_HOMES = f"{PREFIX}/home"
_WISH_LEVELS = 7


class WishTopic(NamedTuple):
    """Which home wishes something of which part of which socket."""

    home_id: str
    device_id: str
    part: str


def config(home_id: str, device_id: str) -> str:
    """Return where a socket is announced to a home."""
    return f"homeassistant/device/{home_id}/{device_id}/config"


def state(home_id: str, device_id: str) -> str:
    """Return where a home hears how a socket is."""
    return f"{_HOMES}/{home_id}/{device_id}/state"


def wish(home_id: str, device_id: str, part: str) -> str:
    """Return where a home says how a part of a socket shall be."""
    return f"{_HOMES}/{home_id}/{device_id}/set/{part}"


def wishes_of(home_id: str) -> str:
    """Return all wishes of a home; `+`: of all homes."""
    return wish(home_id, "+", "+")


def said_to(home_id: str) -> tuple[str, str]:
    """Return all that a home is told; `+`: every home."""
    return config(home_id, "+"), state(home_id, "+")


def asks_for_announcements(home_id: str, subscription: str) -> bool:
    """Return whether somebody who subscribes so wants to know which sockets there are."""
    return bool(topic_matches_sub(subscription, config(home_id, "any")))


def asks_for_state(home_id: str, device_id: str, subscription: str) -> bool:
    """Return whether somebody who subscribes so wants to know how that socket is."""
    return bool(topic_matches_sub(subscription, state(home_id, device_id)))


def concerns(home_id: str, subscription: str) -> bool:
    """Return whether a home that subscribes so waits for anything of ours."""
    return subscription.startswith(f"{_HOMES}/{home_id}/") or asks_for_announcements(home_id, subscription)


def is_pattern(subscription: str) -> bool:
    """Return whether a subscription stands for several topics."""
    return "+" in subscription or "#" in subscription


def parse_wish(topic: str) -> WishTopic | None:
    """Return what a topic is a wish about, None if it is none."""
    parts = topic.split("/")
    if len(parts) != _WISH_LEVELS or "/".join(parts[:3]) != _HOMES or parts[5] != "set":
        return None
    return WishTopic(parts[3], parts[4], parts[6])


def is_for_others(home_id: str, subscription: str) -> bool:
    """Return whether a home asks for what is no home's business: ours, or everything.

    What Home Assistant asks for on behalf of other makers' devices (`tasmota/discovery/#`) is not there at this broker.
    """
    first = subscription.split("/", 1)[0]
    ours = first in {"isocket", "#", "+"} or first.startswith("$")
    return ours and not subscription.startswith(f"{_HOMES}/{home_id}/")
