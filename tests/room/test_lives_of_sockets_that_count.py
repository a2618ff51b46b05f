"""Sockets live at random: restarts, poor links, answers that get lost, alarms that overtake, bridges that die.

However it goes, who keeps count is never taken for one that counts anew, and who lost it is heard again.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from isocket.domain.reports import as_the_device_says, count_of
from tests.fakes.hearing_bridge import HearingBridge

SEEDS = range(40)
YEAR_S = 365 * 86_400
RIGHT = (0,)  # how many seconds the clock is behind, None where there is none
CLOCKS = pytest.mark.parametrize(
    "clocks",
    [RIGHT, (None,), (5 * YEAR_S,), (-300,), (0, 300, -300, None, 5 * YEAR_S)],
    ids=["right", "none", "behind", "ahead", "jumping"],
)
LIFE = {"state": 8, "alarm": 4, "hours": 6, "moments": 4, "out": 2, "back": 3, "restart": 1, "bridge": 1, "told": 4}
Order = tuple[int, int]


class Life:
    """One socket and what it keeps until it is told that it is stored."""

    def __init__(self, seed: int, clocks: Sequence[int | None]) -> None:
        self.chance = Random(seed)
        self.bridge = HearingBridge()
        self._clocks, self._behind_s = clocks, clocks[0]
        self._boot, self._seq, self._said = 50, 0, 0
        self._kept: dict[Order, tuple[str, dict[str, Any]]] = {}
        self._sent: set[Order] = set()
        self._connected = True

    async def goes_on(self, *, loses_count: bool) -> None:
        """Let something happen."""
        self._jumps()
        what = {**LIFE, "lost count": 1} if loses_count else LIFE
        (event,) = self.chance.choices([*what], [*what.values()])
        match event:
            case "state" | "alarm":
                await self.says(event)
            case "hours":
                await self.bridge.clock.advance(self.chance.choice([70, 300, 900]))
            case "moments":
                await self.bridge.clock.advance(self.chance.choice([1, 5, 20, 40]))
            case "out":
                self._connected, self._sent = False, set()
            case "back":
                await self._comes_back()
            case "restart":
                self._boot, self._seq = self._boot + 1, 0
            case "bridge":
                self.bridge.start()
            case "told":
                await self._is_told()
            case "lost count":
                self._boot, self._seq, self._kept = self.chance.choice([1, self._boot]), 0, {}

    def _jumps(self) -> None:
        if self.chance.random() < 0.1:
            self._behind_s = self.chance.choice(self._clocks)

    async def says(self, kind: str) -> int:
        """Say something that was never said; return by what it is known."""
        named = self._keep(kind)
        number = self._said
        if self._connected and kind == "state" and self.chance.random() < 0.15:
            await self._send(self._keep("alarm"))  # it overtakes
        if self._connected:
            await self._send(named)
        return number

    def is_in_reach(self) -> None:
        """Be connected, with nothing sent again."""
        self._connected = True

    def _keep(self, kind: str) -> Order:
        self._seq, self._said = self._seq + 1, self._said + 1
        alarm = {"cause": "test", "active": True, "value": self._said}
        fields = alarm if kind == "alarm" else {"uptime_s": self._said}
        body = self.bridge.poor(self._boot, self._seq, ago_s=self._behind_s, **fields)
        self._kept[self._boot, self._seq] = kind, body
        return self._boot, self._seq

    async def _send(self, *named: Order) -> None:
        """Send one message, or reports as a batch."""
        self._sent.update(named)
        await self.bridge.hear(self._kept[named[0]][0], *(self._kept[each][1] for each in named))

    async def _comes_back(self) -> None:
        """Send what was not confirmed, alarms first; the link may break in between."""
        self._connected, self._sent = True, set()
        kinds = {each: self._kept[each][0] for each in sorted(self._kept)}
        for each in [each for each, kind in kinds.items() if kind == "alarm"]:
            await self._send(each)
        states = [each for each, kind in kinds.items() if kind == "state"]
        while states:
            some = self.chance.randint(1, 5)
            await self._send(*states[:some])
            states = states[some:]
            if self.chance.random() < 0.2:
                self._connected = False
                return
            if self.chance.random() < 0.3:
                await self.bridge.clock.advance(self.chance.choice([1, 10, 60]))

    async def _is_told(self) -> None:
        """Be told what is stored; now and then it is lost on its way."""
        now = self.bridge.clock.monotonic_s()
        for device_id, upto in self.bridge.confirmations.due(now, drained_at=now).items():
            await self.bridge.telemetry.note_confirmed({device_id: upto})
            if self.chance.random() < 0.8:
                covered = as_the_device_says(upto)
                for each in [each for each in self._kept if each <= covered and each in self._sent]:
                    del self._kept[each]


@CLOCKS
async def test_who_keeps_count_is_never_taken_for_one_that_counts_anew(clocks: Sequence[int | None]) -> None:
    for seed in SEEDS:
        life = Life(seed, clocks)
        for _ in range(life.chance.randint(20, 60)):
            await life.goes_on(loses_count=False)
        stored = await life.bridge.stored()
        assert {count_of(boot) for boot, _ in stored} <= {0}, f"seed {seed}"


@CLOCKS
async def test_who_lost_count_is_heard_again(clocks: Sequence[int | None]) -> None:
    for seed in SEEDS:
        life = Life(seed, clocks)
        for _ in range(life.chance.randint(20, 60)):
            await life.goes_on(loses_count=True)
        life.is_in_reach()
        said = 0
        for _ in range(1 if clocks == RIGHT else 4):
            await life.bridge.clock.advance(900)
            said = await life.says("state")
        latest = (await life.bridge.telemetry.latest(["d1"]))["d1"]
        assert latest.fields.get("uptime_s") == said, f"seed {seed}"
