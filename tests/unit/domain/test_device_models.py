"""What each model of socket can be told to do."""

import pytest

from isocket.app.provision import ModelName
from isocket.domain.commands import COMMAND_NAMES
from isocket.domain.device_models import MODELS, SWITCHING, DeviceModel, model_of, refusal


def test_every_model_of_the_factory_is_described() -> None:
    assert set(MODELS) == {name.value for name in ModelName}


def test_only_commands_that_there_are_move_something() -> None:
    assert set(COMMAND_NAMES) >= SWITCHING


def test_a_model_newer_than_this_program_can_do_whatever_any_can() -> None:
    model = model_of("isocket-9g")
    needed = {"on_for": {"seconds": 65_500}, "off_for": {"seconds": 65_500}}
    assert [name for name in COMMAND_NAMES if refusal(model, name, needed.get(name, {}))] == []


@pytest.mark.parametrize("command", ["restart", "pulse"])
@pytest.mark.parametrize(("seconds", "fits"), [(0, False), (1, True), (600, True), (601, False)])
def test_an_interruption_lasts_one_to_six_hundred_seconds(command: str, seconds: int, fits: bool) -> None:
    assert (refusal(DeviceModel(name="any"), command, {"seconds": seconds}) is None) == fits


def test_an_interruption_need_not_say_how_long() -> None:
    assert refusal(DeviceModel(name="any"), "restart", {}) is None


@pytest.mark.parametrize(("model", "longest"), [("isocket-707", 43_200), ("isocket-3g", 65_500)])
def test_a_timer_runs_as_long_as_the_manual_says(model: str, longest: int) -> None:
    fits = [refusal(model_of(model), "on_for", {"seconds": longest + more}) is None for more in (0, 1)]
    assert fits == [True, False]


def test_a_refusal_names_the_argument() -> None:
    found = refusal(DeviceModel(name="any"), "on", {"minutes": 3})
    assert found is not None
    assert found.field == "args.minutes"
