"""What can happen to a socket in a script, and how it is carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from firmware_sim.client import SimulatedSocket
from firmware_sim.clock import Moment
from firmware_sim.device import Device
from firmware_sim.lies import NUMBERS_PER_LIE, Lie, Mouth, lies
from firmware_sim.tally import Tally
from firmware_sim.wire import Outgoing


@dataclass(frozen=True, slots=True)
class Mains:
    on: bool


@dataclass(frozen=True, slots=True)
class Temperature:
    temp_c: float | None
    probe: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    closed: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class Arming:
    armed: bool


@dataclass(frozen=True, slots=True)
class Button:
    pass


@dataclass(frozen=True, slots=True)
class Configure:
    """Somebody sets the device on the spot."""

    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reach:
    possible: bool


@dataclass(frozen=True, slots=True)
class DropLine:
    pass


@dataclass(frozen=True, slots=True)
class EraseFlash:
    """It forgets everything, its count of messages too."""


@dataclass(frozen=True, slots=True)
class TellLie:
    """The lie of that number, then one honest report."""

    number: int


ToTheDevice = Mains | Temperature | Contact | Arming | Button | Configure
Action = ToTheDevice | Reach | DropLine | EraseFlash | TellLie


def carry_out(action: Action, socket: SimulatedSocket, tally: Tally) -> None:
    """Makes it happen to that socket now."""
    match action:
        case Reach(possible=possible):
            socket.reach(possible=possible)
        case DropLine():
            socket.drop_line()
        case EraseFlash():
            socket.erase_flash()
        case TellLie(number=number):
            _tell(_lie(socket, number), socket, tally)
        case _:
            socket.act(_what_it_says(action, socket.device, socket.now()))


def _what_it_says(action: ToTheDevice, device: Device, now: Moment) -> Sequence[Outgoing]:
    match action:
        case Mains(on=on):
            return device.mains_is(now, on=on)
        case Temperature(temp_c=temp_c, probe=probe):
            return device.temperature_is(now, probe, temp_c)
        case Contact(closed=closed, number=number):
            return device.contact_is(now, number, closed=closed)
        case Arming(armed=armed):
            return device.arming_is(now, armed=armed)
        case Button():
            return device.button(now)
        case Configure(settings=settings):
            return device.configure(now, settings)
        case _:
            assert_never(action)


def _lie(socket: SimulatedSocket, number: int) -> Lie:
    mouth = Mouth(
        device_id=socket.credential.device_id,
        boot=socket.device.boot,
        seq=socket.device.spend_seq(NUMBERS_PER_LIE),
        utc_ms=socket.now().utc_ms or 0,
    )
    return lies(mouth)[number]


def _tell(lie: Lie, socket: SimulatedSocket, tally: Tally) -> None:
    for topic, payload in lie.says:
        socket.publish_raw(topic, payload)
        tally.lies += 1
    socket.act(socket.device.report(socket.now()))
