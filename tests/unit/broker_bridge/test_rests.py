"""Reports wait a moment for company, and a moment longer for an alarm that is on its way."""

import pytest

from broker_bridge import rests
from broker_bridge.rests import LONGEST_HOLD_S, LOOK_AGAIN_S, Rests


class Machine:
    """The machine's clock, which a test sets, and whether somebody is in a hurry."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.hurries = False
        monkeypatch.setattr(rests, "monotonic", lambda: self.now_s)

    def holds(self) -> bool:
        return self.hurries


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_what_comes_after_a_silence_is_read_at_once_whoever_is_in_a_hurry(machine: Machine) -> None:
    lane = Rests(0.05, machine.holds)
    machine.hurries = True
    assert lane.left_ms() == 0, "nothing was read yet"
    lane.begin()
    machine.now_s += 0.05 + LONGEST_HOLD_S
    assert lane.left_ms() == 0, "for no longer do reports stand aside"


def test_what_comes_soon_after_another_is_left_for_company(machine: Machine) -> None:
    lane = Rests(0.05, machine.holds)
    lane.begin()
    machine.now_s += 0.02
    assert lane.left_ms() == 30
    machine.now_s += 0.03
    assert lane.left_ms() == 0


def test_while_an_alarm_is_on_its_way_reports_are_left_a_moment_longer(machine: Machine) -> None:
    lane = Rests(0.05, machine.holds)
    lane.begin()
    machine.now_s += 0.06
    machine.hurries = True
    assert lane.left_ms() == round(LOOK_AGAIN_S * 1000)
    machine.hurries = False
    assert lane.left_ms() == 0
