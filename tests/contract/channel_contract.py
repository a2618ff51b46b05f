"""What every channel must do, whatever its provider: one suite, run by a subclass for each channel.

A new channel's test module writes a `ChannelBench`, and a class `TestX(ChannelContract)` with a fixture `bench`.
"""

import asyncio
from abc import ABC, abstractmethod
from datetime import UTC, datetime

import pytest

from alerts.channels.channel import CancellingChannel, Channel, ChannelKind, Message
from alerts.outcomes import Cancellation, Outcome, Refused, Sent, TryLater, Unclear
from tests.fakes.patience import PATIENCE_S, set_forward

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
LIMIT_S = PATIENCE_S  # of a channel on the bench: no answer comes so late, and the one test of it does not wait


class ChannelBench(ABC):
    """A channel set up against a provider that does as told, and counts what went out."""

    channel: Channel
    to: str
    lost: type[Outcome] = Unclear
    """What a lost answer means, and looking it up: `TryLater` where whoever gets a second copy knows it for one."""

    @abstractmethod
    def refuse_next(self) -> None:
        """Let the provider refuse the next message."""

    @abstractmethod
    def put_off_next(self) -> None:
        """Let the provider ask to come back later."""

    @abstractmethod
    def lose_next_answer(self) -> None:
        """Let the provider take the next message and hang up without an answer."""

    @abstractmethod
    def hang_next(self) -> None:
        """Let the provider take the next message and never answer."""

    @abstractmethod
    async def take_provider_away(self) -> None:
        """Let nobody listen any more."""

    @abstractmethod
    def texts_out(self) -> list[str]:
        """Return the texts that went out to `to`, whatever the channel was told."""

    @abstractmethod
    async def wait_until_out(self) -> None:
        """Return when a message to `to` has gone out."""

    def message(self, attempt_id: str = "attempt-1", text: str = "Mökki: mains lost 14:02 (47)") -> Message:
        """Return a message to `to`."""
        return Message(attempt_id=attempt_id, to=self.to, subject="Mains lost", text=text)


class ChannelContract:
    """The suite; a subclass gives the fixture `bench`."""

    async def test_a_message_taken_is_sent_and_has_the_providers_id(self, bench: ChannelBench) -> None:
        outcome = await bench.channel.send(bench.message())
        assert isinstance(outcome, Sent)
        assert outcome.provider_id

    async def test_a_text_arrives_as_written(self, bench: ChannelBench) -> None:
        text = 'Åsa\'s "Ærø" & <stuga> = 100 %; -3,5 C\n.\n..dots €'
        await bench.channel.send(bench.message(text=text))
        assert bench.texts_out() == [text]

    async def test_a_refusal_says_whom_it_concerns_and_nothing_went_out(self, bench: ChannelBench) -> None:
        bench.refuse_next()
        outcome = await bench.channel.send(bench.message())
        assert isinstance(outcome, Refused)
        assert (bool(outcome.reason), bench.texts_out()) == (True, [])

    async def test_a_provider_that_asks_for_time_gets_it(self, bench: ChannelBench) -> None:
        bench.put_off_next()
        outcome = await bench.channel.send(bench.message())
        assert isinstance(outcome, TryLater)
        assert bench.texts_out() == []

    async def test_a_provider_that_is_not_there_is_tried_later(self, bench: ChannelBench) -> None:
        await bench.take_provider_away()
        assert isinstance(await bench.channel.send(bench.message()), TryLater)

    async def test_a_lost_answer_is_unclear_and_the_message_is_not_sent_again(self, bench: ChannelBench) -> None:
        bench.lose_next_answer()
        outcome = await bench.channel.send(bench.message())
        assert isinstance(outcome, bench.lost)
        assert len(bench.texts_out()) == 1

    async def test_a_provider_that_falls_silent_is_unclear_in_good_time(self, bench: ChannelBench) -> None:
        bench.hang_next()
        sending = asyncio.create_task(bench.channel.send(bench.message()), name="silent send")
        await bench.wait_until_out()
        assert not sending.done()
        set_forward(LIMIT_S)
        async with asyncio.timeout(PATIENCE_S):
            outcome = await sending
        assert isinstance(outcome, bench.lost)
        assert len(bench.texts_out()) == 1

    async def test_after_trouble_the_next_message_goes_out(self, bench: ChannelBench) -> None:
        bench.lose_next_answer()
        await bench.channel.send(bench.message("attempt-1"))
        assert isinstance(await bench.channel.send(bench.message("attempt-2")), Sent)

    async def test_many_messages_at_once_go_out_once_each(self, bench: ChannelBench) -> None:
        messages = [bench.message(f"attempt-{n}", f"text {n}") for n in range(20)]
        outcomes = await asyncio.gather(*(bench.channel.send(each) for each in messages))
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert sorted(bench.texts_out()) == sorted(each.text for each in messages)

    async def test_two_messages_have_two_ids(self, bench: ChannelBench) -> None:
        outcomes = [await bench.channel.send(bench.message(f"attempt-{n}")) for n in range(2)]
        assert len({outcome.provider_id for outcome in outcomes if isinstance(outcome, Sent)}) == 2

    async def test_being_cancelled_passes_through(self, bench: ChannelBench) -> None:
        bench.hang_next()
        sending = asyncio.create_task(bench.channel.send(bench.message()), name="cancelled send")
        await bench.wait_until_out()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    async def test_looking_up_a_lost_answer_finds_it_or_cannot_tell(self, bench: ChannelBench) -> None:
        bench.lose_next_answer()
        await bench.channel.send(bench.message())
        assert isinstance(await bench.channel.look_up(bench.message(), BEFORE), (Sent, bench.lost))

    async def test_looking_up_what_never_went_out_cannot_tell(self, bench: ChannelBench) -> None:
        assert isinstance(await bench.channel.look_up(bench.message(), BEFORE), bench.lost)

    async def test_looking_up_at_a_provider_that_is_not_there_cannot_tell(self, bench: ChannelBench) -> None:
        await bench.take_provider_away()
        assert isinstance(await bench.channel.look_up(bench.message(), BEFORE), bench.lost)

    async def test_it_can_be_closed_unused_and_twice(self, bench: ChannelBench) -> None:
        await bench.channel.close()
        await bench.channel.close()

    async def test_it_says_its_kind_and_its_providers_name(self, bench: ChannelBench) -> None:
        assert isinstance(bench.channel.kind, ChannelKind)
        assert bench.channel.name.islower()


class CancellingContract(ChannelContract):
    """What a channel must do besides whose provider can be asked to call off what it took."""

    async def test_what_nobody_has_heard_is_called_off(self, bench: ChannelBench) -> None:
        sent = await bench.channel.send(bench.message())
        assert isinstance(sent, Sent)
        assert await _cancelling(bench).cancel(sent.provider_id) is Cancellation.DONE

    async def test_calling_off_twice_does_no_harm(self, bench: ChannelBench) -> None:
        sent = await bench.channel.send(bench.message())
        assert isinstance(sent, Sent)
        await _cancelling(bench).cancel(sent.provider_id)
        assert await _cancelling(bench).cancel(sent.provider_id) is Cancellation.TOO_LATE

    async def test_what_the_provider_does_not_know_is_too_late(self, bench: ChannelBench) -> None:
        assert await _cancelling(bench).cancel("nothing-of-theirs") is Cancellation.TOO_LATE

    async def test_calling_off_at_a_provider_that_is_not_there_cannot_tell(self, bench: ChannelBench) -> None:
        sent = await bench.channel.send(bench.message())
        assert isinstance(sent, Sent)
        await bench.take_provider_away()
        assert await _cancelling(bench).cancel(sent.provider_id) is Cancellation.UNCLEAR


def _cancelling(bench: ChannelBench) -> CancellingChannel:
    assert isinstance(bench.channel, CancellingChannel)
    return bench.channel
