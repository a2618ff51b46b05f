"""One run of the broker's process, as far as it needs no process."""

import asyncio
from asyncio.subprocess import Process
from typing import cast

import pytest
from structlog.testing import capture_logs

from broker_bridge.mosquitto import life
from broker_bridge.mosquitto.denials import RefusalCounts, RefusalReader
from broker_bridge.mosquitto.life import RELOAD_AGAIN_S, BrokerLife
from broker_bridge.mosquitto.log_pipe import LogPipe
from tests.fakes.patience import PATIENCE_S, out_of_time, set_forward, until


class BusyBroker:
    """Is still reading its accounts when it is told to read them again: Mosquitto forgets that it was told so."""

    returncode = None

    def __init__(self) -> None:
        self.life = BrokerLife(cast("Process", self), cast("LogPipe", None), RefusalReader(RefusalCounts().add))
        self.told = 0
        self.silent = asyncio.Event()

    def send_signal(self, _: int) -> None:
        self.told += 1
        if self.told == 1:
            self.silent.set()
        else:
            self.life.take([b"Reloading config."])


async def test_what_the_broker_did_not_hear_while_it_was_reading_is_said_again() -> None:
    broker = BusyBroker()
    with capture_logs() as lines:
        await out_of_time(broker.life.reload(), broker.silent, limit_s=RELOAD_AGAIN_S)
    assert (broker.told, lines) == (2, [])


async def test_what_is_heard_twice_because_it_was_said_twice_is_not_taken_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "RELOAD_AGAIN_S", PATIENCE_S)
    broker = BusyBroker()
    reloading = asyncio.create_task(broker.life.reload())
    await broker.silent.wait()
    set_forward(PATIENCE_S)
    await until(lambda: broker.told == 2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not reloading.done()
    broker.life.take([b"Reloading config."])
    await reloading
    assert broker.told == 2
