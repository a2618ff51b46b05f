"""Scripts: what happens to which socket at which simulated second."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count

from firmware_sim.actions import (
    Action,
    Arming,
    Button,
    Configure,
    Contact,
    DropLine,
    EraseFlash,
    Mains,
    Reach,
    TellLie,
    Temperature,
)
from firmware_sim.lies import lies_known
from firmware_sim.models import Model

EVERYBODY = None
_FROST_LIMIT = Configure({"temp": [{"name": "Room", "low_c": 5.0, "delay_s": 10}]})
_KEEP_WARM = Configure({"heartbeat_s": 300, "thermostat": {"enabled": True, "mode": "heat", "on_c": 8, "off_c": 10}})


class UnknownScenarioError(ValueError):
    """There is no such script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`who` counts sockets from 0; EVERYBODY means all."""

    at_s: float
    who: int | None
    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`steps` gives the script for a cast of models, in order of time."""

    name: str
    summary: str
    steps: Callable[[Sequence[Model]], Iterator[Step]]


def scenario_named(name: str) -> Scenario:
    """Raises UnknownScenarioError, naming those there are."""
    try:
        return SCENARIOS[name]
    except KeyError:
        known = ", ".join(f"{each.name} ({each.summary})" for each in SCENARIOS.values())
        raise UnknownScenarioError(f"there is no {name!r}, but {known}") from None


def _day(cast: Sequence[Model]) -> Iterator[Step]:
    alarmed = next((i for i, model in enumerate(cast) if model.inputs and i > 1), None)
    script = [
        Step(at_s=0, who=1, action=_FROST_LIMIT, note="frost limit set to 5 degrees"),
        Step(at_s=12, who=0, action=Mains(on=False), note="the mains goes off"),
        Step(at_s=45, who=0, action=Mains(on=True), note="the mains is back"),
        *_fall(who=1, from_s=60, start_c=18.0, end_c=2.0),
        *_fall(who=1, from_s=160, start_c=2.0, end_c=18.0),
        Step(at_s=180, who=3, action=Button(), note="somebody presses the button"),
        Step(at_s=200, who=4, action=Reach(possible=False), note="out of reach"),
        Step(at_s=230, who=4, action=Temperature(temp_c=17.0)),
        Step(at_s=240, who=4, action=Temperature(temp_c=16.0)),
        Step(at_s=260, who=4, action=Reach(possible=True), note="in reach again"),
        Step(at_s=280, who=3, action=Temperature(temp_c=None), note="the probe is pulled out"),
        Step(at_s=310, who=3, action=Temperature(temp_c=20.0), note="the probe is back"),
    ]
    if alarmed is not None:
        script += [
            Step(at_s=0, who=alarmed, action=Arming(armed=True), note="armed"),
            Step(at_s=90, who=alarmed, action=Contact(closed=True), note="a door opens"),
            Step(at_s=110, who=alarmed, action=Contact(closed=False), note="the door is shut"),
        ]
    return chain(_in_order(script), _quiet_hours(len(cast), from_s=330))


def _quiet_hours(sockets: int, *, from_s: float) -> Iterator[Step]:
    """For ever: temperatures that follow the day a little, each socket by its own clock."""
    for turn in count():
        at_s = from_s + turn * 30
        for who in range(sockets):
            swing = 2.0 * math.sin(2 * math.pi * (at_s / 86_400 + who / 7))
            wobble = 0.7 * math.sin(2 * math.pi * (at_s / 1_500 + who / 3))
            yield Step(at_s=at_s, who=who, action=Temperature(temp_c=round(19.0 + swing + wobble, 1)))


def _power_cut(_cast: Sequence[Model]) -> Iterator[Step]:
    yield Step(at_s=5, who=EVERYBODY, action=Mains(on=False), note="the mains goes off")
    yield Step(at_s=35, who=EVERYBODY, action=Mains(on=True), note="the mains is back")
    yield Step(at_s=60, who=EVERYBODY, action=Temperature(temp_c=19.0))


def _frost(_cast: Sequence[Model]) -> Iterator[Step]:
    yield Step(at_s=0, who=EVERYBODY, action=_FROST_LIMIT, note="frost limit set to 5 degrees")
    yield from _fall(who=EVERYBODY, from_s=5, start_c=18.0, end_c=1.0)
    yield from _fall(who=EVERYBODY, from_s=90, start_c=1.0, end_c=18.0)
    yield Step(at_s=130, who=EVERYBODY, action=Temperature(temp_c=19.0))


def _cold_heater(_cast: Sequence[Model]) -> Iterator[Step]:
    """The thermostat has the heater on, and it gets colder all the same; after three hours somebody mends it."""
    yield Step(at_s=0, who=EVERYBODY, action=_KEEP_WARM, note="to be kept between 8 and 10 degrees")
    for turn in range(37):
        yield Step(at_s=5 + 300 * turn, who=EVERYBODY, action=Temperature(temp_c=round(9.0 - 0.1 * turn, 1)))
    yield from _fall(who=EVERYBODY, from_s=11_100, start_c=5.4, end_c=11.0)


def _flapping(_cast: Sequence[Model]) -> Iterator[Step]:
    yield Step(at_s=2, who=EVERYBODY, action=Configure({"mains_delay_s": 0, "restore_delay_s": 0}))
    for turn in range(10):
        yield Step(at_s=5 + 8 * turn, who=EVERYBODY, action=Mains(on=False), note="the mains goes off")
        yield Step(at_s=9 + 8 * turn, who=EVERYBODY, action=Mains(on=True), note="the mains is back")


def _silence(_cast: Sequence[Model]) -> Iterator[Step]:
    yield Step(at_s=1, who=EVERYBODY, action=Configure({"heartbeat_s": 10}))
    yield Step(at_s=10, who=EVERYBODY, action=Reach(possible=False), note="out of reach")
    yield Step(at_s=100, who=EVERYBODY, action=Reach(possible=True), note="in reach again")


def _erased(_cast: Sequence[Model]) -> Iterator[Step]:
    """A minute after its last report by the old count nobody can take an alarm by the new one for a late one."""
    yield Step(at_s=10, who=EVERYBODY, action=EraseFlash(), note="the flash is erased, with the count of messages")
    yield Step(at_s=80, who=EVERYBODY, action=Mains(on=False), note="the mains goes off")
    yield Step(at_s=110, who=EVERYBODY, action=Mains(on=True), note="the mains is back")
    yield Step(at_s=135, who=EVERYBODY, action=Temperature(temp_c=19.0))


def _storm(_cast: Sequence[Model]) -> Iterator[Step]:
    for at_s in (5, 25, 45):
        yield Step(at_s=at_s, who=EVERYBODY, action=DropLine(), note="every line is cut")
    yield Step(at_s=50, who=EVERYBODY, action=Temperature(temp_c=19.0))


def _liar(_cast: Sequence[Model]) -> Iterator[Step]:
    for number in range(lies_known()):
        yield Step(at_s=2 + number / 2, who=EVERYBODY, action=TellLie(number))


def _fall(*, who: int | None, from_s: float, start_c: float, end_c: float) -> Iterator[Step]:
    """Thirty seconds, a step every three, from one temperature to the other."""
    for turn in range(11):
        temp_c = round(start_c + (end_c - start_c) * turn / 10, 1)
        yield Step(at_s=from_s + 3 * turn, who=who, action=Temperature(temp_c=temp_c))


def _in_order(script: list[Step]) -> list[Step]:
    return sorted(script, key=lambda step: step.at_s)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="day", summary="five sockets live a day, and then go on living", steps=_day),
        Scenario(name="power-cut", summary="the mains goes off for half a minute", steps=_power_cut),
        Scenario(name="frost", summary="it gets too cold, then warm again", steps=_frost),
        Scenario(name="cold-heater", summary="a thermostat heats for three hours in vain", steps=_cold_heater),
        Scenario(name="flapping", summary="the mains goes off and on ten times", steps=_flapping),
        Scenario(name="silence", summary="out of reach for a minute and a half, then the backlog", steps=_silence),
        Scenario(name="erased", summary="the flash is erased, then the mains goes off", steps=_erased),
        Scenario(name="storm", summary="three times every line is cut at once", steps=_storm),
        Scenario(name="liar", summary="every lie there is, an honest report after each", steps=_liar),
    )
}
