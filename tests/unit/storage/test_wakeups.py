"""Bells wake who listens; a piece of work wakes one of those who have nothing to do."""

import asyncio

from isocket.storage.wakeups import Bell, Wakeups
from tests.fakes.clock import ManualClock
from tests.fakes.patience import PATIENCE_S


async def waiting(bell: Bell) -> "asyncio.Task[None]":
    """Return somebody who waits for the bell."""
    task = asyncio.create_task(bell.wait(ManualClock(), 60.0))
    await asyncio.sleep(0)
    assert bell.is_waiting
    return task


async def test_a_piece_of_work_wakes_one_of_those_who_wait_for_it() -> None:
    wakeups = Wakeups()
    bells = [wakeups.bell("devices") for _ in range(3)]
    tasks = [await waiting(each) for each in bells]
    wakeups.ring_for("devices", 1)
    assert sum(each.has_rung for each in bells) == 1
    wakeups.ring_for("devices", 1)
    assert sum(each.has_rung for each in bells) == 2, "whoever was woken already is busy"
    wakeups.ring_for("devices", 5)
    await asyncio.gather(*tasks)


async def test_who_is_busy_is_not_rung_for_a_piece_of_work_that_an_idle_one_takes() -> None:
    wakeups = Wakeups()
    busy, idle = wakeups.bell("devices"), wakeups.bell("devices")
    task = await waiting(idle)
    wakeups.ring_for("devices", 1)
    await task
    assert not busy.has_rung


async def test_a_ring_for_all_wakes_the_busy_as_well() -> None:
    wakeups = Wakeups()
    bells = [wakeups.bell("devices"), wakeups.bell("devices", "commands")]
    wakeups.ring("devices")
    assert [each.has_rung for each in bells] == [True, True]
    assert not bells[0].is_waiting
    bells[0].close()
    bells[0].forget()
    wakeups.ring("devices")
    assert not bells[0].has_rung


async def test_a_patient_listener_is_woken_after_all_others_and_once_for_all_that_rang_meanwhile() -> None:
    wakeups = Wakeups()
    patient, other = wakeups.patient_bell("devices", "commands"), wakeups.bell("devices")
    task = await waiting(patient)
    wakeups.ring("devices", "commands")
    wakeups.ring("devices")
    assert (other.has_rung, patient.has_rung) == (True, False)
    await asyncio.wait_for(task, PATIENCE_S)
    assert not patient.has_rung, "once"


async def test_what_rings_a_patient_listener_before_it_waits_is_not_lost() -> None:
    patient = Wakeups().patient_bell("devices")
    for _ in range(2):
        patient.ring()
        await asyncio.wait_for(patient.wait(ManualClock(), 60.0), PATIENCE_S)
