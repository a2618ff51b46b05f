"""Whether a socket is here, by its last will and by what it says, and what it is answered at once."""

from datetime import timedelta

import pytest

from isocket.domain.commands import Command, CommandStatus
from tests.fakes.hearing_bridge import HearingBridge


async def is_online(bridge: HearingBridge) -> bool:
    return (await bridge.telemetry.latest(["d1"]))["d1"].online


async def test_a_socket_that_went_is_offline_until_it_is_heard_again() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.poor(1, 1))
    assert await is_online(bridge)
    await bridge.hear_status(online=False)
    assert not await is_online(bridge)
    await bridge.clock.advance(1)
    await bridge.hear("state", bridge.poor(1, 2))
    assert await is_online(bridge)


async def test_a_status_that_stayed_at_the_broker_says_that_a_socket_went_and_never_that_it_is_here() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.poor(1, 1))
    await bridge.clock.advance(60)
    await bridge.hear_status(online=False, retained=True)
    assert not await is_online(bridge)
    await bridge.hear_status(online=True, retained=True)
    assert not await is_online(bridge), "nobody knows from when that is"
    await bridge.hear_status(online=True)
    assert await is_online(bridge)


async def test_a_socket_that_comes_back_is_told_again_what_it_may_drop() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.poor(1, 1))
    told = {"d1": (1, 1)}
    assert bridge.confirmations.due(bridge.clock.monotonic_s()) == told
    assert bridge.confirmations.due(bridge.clock.monotonic_s()) == {}
    await bridge.hear_status(online=True)
    assert bridge.confirmations.due(bridge.clock.monotonic_s()) == told, "it may have missed it"


async def test_what_a_socket_waits_for_is_answered_at_once_which_is_a_batch_or_an_alarm_and_no_single_report() -> None:
    bridge = HearingBridge()
    now = bridge.clock.monotonic_s()
    await bridge.hear("state", bridge.poor(1, 1))
    assert bridge.confirmations.due(now) == {"d1": (1, 1)}
    await bridge.hear("state", bridge.poor(1, 2))
    assert bridge.confirmations.urgent(now) == {}
    await bridge.hear("state", bridge.poor(1, 3), bridge.poor(1, 4))
    assert bridge.confirmations.urgent(now) == {"d1": (1, 4)}
    await bridge.hear("alarm", bridge.poor(1, 5, cause="mains_lost", active=True))
    assert bridge.confirmations.urgent(now) == {"d1": (1, 5)}


@pytest.mark.parametrize(
    ("online", "retained", "status"),
    [
        (True, False, CommandStatus.QUEUED),
        (True, True, CommandStatus.SENT),
        (False, False, CommandStatus.SENT),
        (False, True, CommandStatus.SENT),
    ],
)
async def test_what_a_socket_has_not_answered_is_sent_again_when_it_comes_back(
    *, online: bool, retained: bool, status: CommandStatus
) -> None:
    bridge = HearingBridge()
    now = bridge.clock.now()
    await bridge.records.prepare()
    sent = Command(
        id="cmd_1",
        account_id="acc",
        device_id="d1",
        name="on",
        status=CommandStatus.SENT,
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    await bridge.records.add(sent)
    await bridge.hear_status(online=online, retained=retained)
    found = await bridge.records.get(Command, "cmd_1")
    assert found is not None
    assert found.status is status
