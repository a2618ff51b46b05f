"""Whoever waits for something dear waits in a short line, and strangers take no place of those who are known."""

import asyncio

import pytest

from portal_api.line import Line, TooBusyError


class Worked:
    """Notes who came to work, in which order, and how many were at it at once."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.order: list[str] = []
        self.at_once = 0
        self.most = 0
        self.go_on = asyncio.Event()

    async def work(self, name: str, *, known: bool) -> None:
        with self._line.place(known=known) as place:
            async with place.turn():
                self.order.append(name)
                self.at_once += 1
                self.most = max(self.most, self.at_once)
                await self.go_on.wait()
                self.at_once -= 1


async def let_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_work_than_may_at_once_and_all_come_in_their_order() -> None:
    worked = Worked(Line(at_once=2, waiting=8))
    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(worked.work(str(number), known=False))
        await let_run()
        assert worked.order == ["0", "1"]
        worked.go_on.set()
    assert worked.order == [str(number) for number in range(6)]
    assert worked.most == 2


async def test_who_is_known_goes_before_strangers_who_came_earlier() -> None:
    worked = Worked(Line(at_once=1, waiting=8))
    async with asyncio.TaskGroup() as tasks:
        for name, known in (("first", False), ("stranger", False), ("known", True)):
            tasks.create_task(worked.work(name, known=known))
            await let_run()
        worked.go_on.set()
    assert worked.order == ["first", "known", "stranger"]


async def test_strangers_without_end_take_no_place_of_who_is_known() -> None:
    line = Line(at_once=1, waiting=2)
    with line.place(), line.place(), line.place():
        with pytest.raises(TooBusyError), line.place():
            pass
        with line.place(known=True):
            assert line.inside == 4
    with line.place():
        assert line.inside == 1


async def test_those_who_are_known_are_not_without_end_either() -> None:
    line = Line(at_once=1, waiting=0)
    with line.place(known=True), pytest.raises(TooBusyError), line.place(known=True):
        pass


async def test_who_goes_away_while_waiting_leaves_the_turn_to_the_next() -> None:
    worked = Worked(Line(at_once=1, waiting=8))
    first = asyncio.create_task(worked.work("first", known=False))
    gone = asyncio.create_task(worked.work("gone", known=False))
    last = asyncio.create_task(worked.work("last", known=False))
    await let_run()
    gone.cancel()
    await let_run()
    worked.go_on.set()
    await asyncio.gather(first, last)
    assert worked.order == ["first", "last"]


async def test_who_goes_away_at_the_moment_of_their_turn_passes_it_on() -> None:
    line = Line(at_once=1, waiting=8)
    worked = Worked(line)
    worked.go_on.set()
    async with line.turn(known=False):
        gone = asyncio.create_task(worked.work("gone", known=False))
        last = asyncio.create_task(worked.work("last", known=False))
        await let_run()
    gone.cancel()  # the turn is theirs already, and they have not run since
    await asyncio.wait((gone, last))
    assert worked.order == ["last"]
    assert line.inside == 0


async def test_who_goes_away_just_before_a_turn_is_passed_on_just_goes() -> None:
    line = Line(at_once=1, waiting=8)
    worked = Worked(line)
    worked.go_on.set()
    async with line.turn(known=False):
        gone = asyncio.create_task(worked.work("gone", known=False))
        last = asyncio.create_task(worked.work("last", known=False))
        await let_run()
        gone.cancel()  # and the turn is passed on before they have run
    await asyncio.wait((gone, last))
    assert gone.cancelled()
    assert worked.order == ["last"]
    assert line.inside == 0


async def test_when_all_are_gone_there_is_a_turn_at_once() -> None:
    line = Line(at_once=1, waiting=1)
    for _ in range(3):
        async with line.turn(known=False):
            pass
