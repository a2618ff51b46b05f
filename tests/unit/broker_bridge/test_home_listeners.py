"""What homes ask for comes over to the event loop, and no flood of it piles up."""

import asyncio

from broker_bridge.home_listeners import MOST, HomeListeners

DISCOVERY = "homeassistant/device/+/+/config"


async def test_what_is_asked_for_is_taken_once_and_who_left_asks_for_nothing() -> None:
    listeners = HomeListeners()
    for _ in range(3):
        listeners.note("home_a", DISCOVERY)
    listeners.note("home_b", "isocket/v1/home/home_b/is1/state")
    listeners.note("home_b", None)
    listeners.note("home_a", "tasmota/discovery/#")
    assert listeners.take() == ({"home_b"}, {"home_a": {DISCOVERY}})
    assert listeners.take() == (set(), {})


async def test_a_home_that_comes_back_asks_anew() -> None:
    listeners = HomeListeners()
    listeners.note("home_a", None)
    listeners.note("home_a", DISCOVERY)
    assert listeners.take() == ({"home_a"}, {"home_a": {DISCOVERY}})


async def test_a_flood_of_one_home_is_bounded_and_wakes_the_loop_once() -> None:
    listeners, rung = HomeListeners(), list[int]()
    listeners.on_news(lambda: rung.append(1))
    for number in range(MOST + 50):
        listeners.note("home_a", f"isocket/v1/home/home_a/is{number}/state")
    listeners.note("home_b", DISCOVERY)
    await asyncio.sleep(0)
    left, asked = listeners.take()
    assert (left, len(asked["home_a"]), asked["home_b"], rung) == (set(), MOST, {DISCOVERY}, [1])
