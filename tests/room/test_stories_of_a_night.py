"""Stories of a night, on one clock: what people got, when it was by the clock on their wall, and what they did not.

Each is one test to be read from top to bottom. All texts are what a telephone shows, but for the code.
"""

from datetime import datetime, timedelta
from typing import Any

from alerts.links import delivery_of
from alerts.outcomes import TryLater
from isocket.domain.contacts import ChannelKind, Escalation
from isocket.domain.deliveries import Attempt, Delivery
from isocket.domain.reports import ReportKind
from isocket.storage.port import is_
from tests.fakes.judged_house import OWNER
from tests.fakes.night import ladder, night, person

CALM: dict[str, Any] = {"heartbeat_s": 86_400, "mains_delay_s": 0, "restore_delay_s": 0}
HELSINKI = "Europe/Helsinki"
COLD = "Cabin: the temperature is too low: 3.5 C (sensor 1)"


async def test_the_night_in_which_the_clocks_go_back() -> None:
    """25 October 2026: at four it is three again. Anna sleeps, Bertil keeps watch."""
    tonight = await night("2026-10-24 21:00", HELSINKI, **CALM)
    anna, bertil = await person(tonight, "Anna", asleep=True), await person(tonight, "Bertil")
    await ladder(tonight, (anna, 0), (bertil, 600), remind_after_s=0)

    await tonight.until("23:40")
    await tonight.socket(mains=False)
    await tonight.until("00:05")
    await tonight.writes("Bertil")
    await tonight.until("03:30", again=True)
    await tonight.socket(mains=True)
    await tonight.until("08:00")

    assert await tonight.heard() == [
        "23:40 EEST Anna text: Cabin: mains power is out, 24 Oct 23:40. Reply CODE to acknowledge",  # critical: woken
        "23:50 EEST Bertil text: Cabin: mains power is out, 24 Oct 23:40. Reply CODE to acknowledge",
        "00:05 EEST Bertil writes: CODE",
        "00:05 EEST Bertil text: Cabin: mains power is out. Thank you, you have taken it (CODE)",
        "03:30 EET Bertil text: Cabin: mains power is back, 25 Oct 03:30. Ends alarm CODE",
        "03:30 EET Anna text: Cabin: mains power is back, 25 Oct 03:30. Ends alarm CODE",
    ]
    assert await tonight.untold() == ["00:05 EEST not_sent: Anna, quiet_hours"]  # that Bertil has taken it


async def test_the_night_in_which_the_clocks_go_back_holds_an_alarm_an_hour_longer() -> None:
    """What comes at ten in the evening waits ten hours for seven in the morning."""
    tonight = await night("2026-10-24 21:00", HELSINKI, **CALM, **cold_is_major())
    anna = await person(tonight, "Anna", asleep=True)
    await ladder(tonight, (anna, 0))

    await tonight.until("22:00")
    began = tonight.clock.now()
    await tonight.socket(mains=True, temp_c=[3.5])
    await tonight.until("07:00")
    assert (tonight.clock.now() - began).total_seconds() == 10 * 3600

    assert await tonight.heard() == [
        f"07:00 EET Anna text: {COLD}, 24 Oct 22:00. Reply CODE to acknowledge",
    ]
    assert await tonight.untold() == ["22:00 EEST held: Anna, quiet_hours"]


async def test_the_night_in_which_the_clocks_go_forward() -> None:
    """29 March 2026: at three it is four. Both sleep, and what is not critical waits for the morning."""
    tonight = await night("2026-03-28 21:00", HELSINKI, **CALM, **cold_is_major())
    anna, bertil = await person(tonight, "Anna", asleep=True), await person(tonight, "Bertil", asleep=True)
    await ladder(tonight, (anna, 0), (bertil, 900))

    await tonight.until("02:30")
    began = tonight.clock.now()
    await tonight.socket(mains=True, temp_c=[3.5])
    await tonight.until("07:00")
    assert (tonight.clock.now() - began).total_seconds() == 3.5 * 3600
    await tonight.until("07:45")
    await tonight.writes("Anna")
    await tonight.until("09:00")

    assert sorted(await tonight.heard()) == [
        f"07:00 EEST Anna text: {COLD}, 29 Mar 02:30. Reply CODE to acknowledge",
        f"07:00 EEST Bertil text: {COLD}, 29 Mar 02:30. Reply CODE to acknowledge",
        "07:30 EEST Owner mail: Nobody has acknowledged an alarm",
        f"07:45 EEST Anna text: {COLD}. Thank you, you have taken it (CODE)",
        "07:45 EEST Anna writes: CODE",
        f"07:45 EEST Bertil text: {COLD}, 29 Mar 02:30. Somebody else has taken it (CODE)",
    ]
    assert sorted(await tonight.untold()) == [
        "02:30 EET held: Anna, quiet_hours",
        "02:30 EET held: Bertil, quiet_hours",
        "07:30 EEST exhausted: nobody, not_acknowledged",
    ]


async def test_a_quiet_night_in_which_the_trouble_is_over_before_anybody_is_up() -> None:
    """The frost comes and goes while Anna sleeps: in the morning it is no news, and the timeline says why."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, **cold_is_major())
    anna = await person(tonight, "Anna", asleep=True)
    await ladder(tonight, (anna, 0))

    await tonight.until("01:00")
    await tonight.socket(mains=True, temp_c=[3.5])
    await tonight.until("04:00")
    await tonight.socket(mains=True, temp_c=[9.0])
    await tonight.until("09:00")

    assert await tonight.heard() == []
    assert await tonight.untold() == ["01:00 EET held: Anna, quiet_hours", "04:00 EET not_sent: Anna, closed"]


async def test_a_night_in_which_the_power_flickers() -> None:
    """Three failures within an hour are one that comes and goes; Anna takes that and is left alone."""
    flapping = {"count": 3, "window_s": 3600, "quiet_s": 3600}
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, flapping=flapping)
    anna = await person(tonight, "Anna", asleep=True)
    await ladder(tonight, (anna, 0), remind_after_s=0)

    await tonight.until("02:00")
    await tonight.flicker(4)
    await tonight.writes("Anna")
    await tonight.flicker(8)
    await tonight.until("07:30")

    assert await tonight.heard() == [
        "02:00 EET Anna text: Cabin: mains power is out, 23 Nov 02:00. Reply CODE to acknowledge",
        "02:01 EET Anna text: Cabin: mains power is back, 23 Nov 02:01. Ends alarm CODE",
        "02:02 EET Anna text: Cabin: mains power is out, 23 Nov 02:02. Reply CODE to acknowledge",
        "02:03 EET Anna text: Cabin: mains power is back, 23 Nov 02:03. Ends alarm CODE",
        "02:04 EET Anna text: Cabin: comes and goes: mains power is out, 23 Nov 02:04. Reply CODE to acknowledge",
        "02:08 EET Anna writes: CODE",
        "02:08 EET Anna text: Cabin: comes and goes: mains power is out. Thank you, you have taken it (CODE)",
        "03:23 EET Anna text: Cabin: steady again after 12 alarms, 23 Nov 03:23. Ends alarm CODE",
    ]
    assert {each.partition(" not_sent: ")[2] for each in await tonight.untold()} == {"nobody, explained_by_flapping"}


async def test_a_night_in_which_nobody_answers_for_long() -> None:
    """Two rounds, a word to the owner, then ever more rarely; who takes it at last falls silent, and it goes on."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    anna, bertil = await person(tonight, "Anna"), await person(tonight, "Bertil")
    await ladder(tonight, (anna, 0), (bertil, 300), repeat=1, repeat_after_s=600)

    await tonight.until("23:00")
    await tonight.socket(mains=False)
    await tonight.until("06:30")
    await tonight.writes("Bertil")
    await tonight.until("07:35")
    await tonight.writes("Bertil")
    await tonight.until("09:00")

    out = "Cabin: mains power is out"
    alarm = f"{out}, 22 Nov 23:00. Reply CODE to acknowledge"
    assert await tonight.heard() == [
        f"23:00 EET Anna text: {alarm}",
        f"23:05 EET Bertil text: {alarm}",
        f"23:15 EET Anna text: {alarm}",
        f"23:20 EET Bertil text: {alarm}",
        "23:50 EET Owner mail: Nobody has acknowledged an alarm",
        f"00:50 EET Anna text: {alarm}",
        f"00:55 EET Bertil text: {alarm}",
        f"02:50 EET Anna text: {alarm}",
        f"02:55 EET Bertil text: {alarm}",
        "06:30 EET Bertil writes: CODE",
        f"06:30 EET Bertil text: {out}. Thank you, you have taken it (CODE)",
        f"06:30 EET Anna text: {out}, 22 Nov 23:00. Somebody else has taken it (CODE)",
        f"07:30 EET Bertil text: {out}, 22 Nov 23:00. Still on it? Reply CODE",
        "07:35 EET Bertil writes: CODE",
        f"07:35 EET Bertil text: {out}. Thank you, you are still on it (CODE)",
        f"08:35 EET Bertil text: {out}, 22 Nov 23:00. Still on it? Reply CODE",
        f"08:50 EET Anna text: {alarm}",
        f"08:55 EET Bertil text: {alarm}",
    ]
    assert await tonight.untold() == [
        "23:50 EET exhausted: nobody, not_acknowledged",
        "08:50 EET let_go: nobody, not_answered",
    ]


async def test_a_night_without_network_in_which_power_was_away_and_came_back_wakes_nobody_in_the_morning() -> None:
    """What the socket kept comes message by message; the alarm is judged before its end is there."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    await tonight.kept("mains_lost", active=True, ago_s=7200)
    await tonight.sockets.let_pass(5)
    await tonight.kept("mains_lost", active=False, ago_s=3600)
    await tonight.until("05:00")

    assert await tonight.heard() == []
    assert await tonight.untold() == ["04:00 EET not_sent: nobody, came_late"]


async def test_a_night_without_network_in_which_power_went_away_for_good_is_told_as_soon_as_no_end_follows() -> None:
    """Ten seconds after it came at last."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    came = tonight.clock.now()
    await tonight.kept("mains_lost", active=True, ago_s=7200)
    await tonight.until("04:15")

    assert await tonight.heard() == [
        "04:00 EET Anna text: Cabin: mains power is out, 23 Nov 02:00. Reply CODE to acknowledge",
    ]
    (told,) = await tonight.records.find(Attempt)
    assert told.started_at == came + timedelta(seconds=10)


async def test_a_door_that_was_opened_for_a_moment_is_told_though_the_clock_of_the_socket_is_slow() -> None:
    """Whatever such a socket says seems to come long after the fact; that somebody was there is news all the same."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    came = tonight.clock.now()
    await tonight.kept("input", active=True, ago_s=120)
    await tonight.sockets.let_pass(5)
    await tonight.kept("input", active=False, ago_s=120)
    await tonight.until("04:15")

    (told, *_) = sorted(await tonight.records.find(Attempt), key=lambda each: each.started_at)
    assert told.started_at == came
    assert await tonight.untold() == []


async def test_a_morning_on_which_power_proves_to_be_back_just_as_people_would_be_told_wakes_nobody() -> None:
    """The judge who ends the alarm and the worker who would tell of it wait for the same moment."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0, restore_delay_s=30)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    kept = [
        tonight.sockets.report(ReportKind.STATE, {"mains": False}, ago_s=7200),
        tonight.sockets.report(ReportKind.STATE, {"mains": True}, ago_s=3600),
    ]
    await tonight.sockets.tell(*kept)
    await tonight.clock.advance(30)
    assert not await tonight.people.escalator().step()
    await tonight.until("04:15")

    assert await tonight.heard() == []
    assert await tonight.untold() == ["04:00 EET not_sent: nobody, came_late"]


async def test_a_morning_on_which_the_socket_says_at_last_that_power_went_and_came_back_wakes_nobody() -> None:
    """Its state says that power is back, which counts only when it has lasted."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, restore_delay_s=30)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    await tonight.kept("mains_lost", active=True, ago_s=7200)
    await tonight.sockets.let_pass(5)
    await tonight.socket(mains=True)
    await tonight.until("04:15")

    assert await tonight.heard() == []
    assert await tonight.untold() == ["04:00 EET not_sent: nobody, came_late"]


async def test_a_morning_on_which_power_went_long_ago_and_is_not_sure_to_be_back_is_told() -> None:
    """It came back for a moment only."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, restore_delay_s=30)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("04:00")
    await tonight.kept("mains_lost", active=True, ago_s=7200)
    await tonight.sockets.let_pass(5)
    await tonight.socket(mains=True)
    await tonight.sockets.let_pass(5)
    await tonight.socket(mains=False)
    await tonight.until("04:15")

    assert await tonight.heard() == [
        "04:00 EET Anna text: Cabin: mains power is out, 23 Nov 02:00. Reply CODE to acknowledge",
    ]


async def test_a_night_in_which_power_comes_back_while_the_provider_of_texts_is_away_for_hours() -> None:
    """Anna took it to be out all night: the end is news as soon as it can be told."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:10")
    tonight.people.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 10_000)
    await tonight.until("22:20")
    await tonight.socket(mains=True)
    await tonight.until("04:10")
    tonight.people.sms.script.clear()
    await tonight.until("04:16")

    (alarm, end) = [line.partition(" ")[2] for line in await tonight.heard()]
    assert alarm == "EET Anna text: Cabin: mains power is out, 22 Nov 22:00. Reply CODE to acknowledge"
    assert end == "EET Anna text: Cabin: mains power is back, 22 Nov 22:20. Ends alarm CODE"


async def test_a_night_in_which_power_is_out_again_before_the_text_that_it_is_back_can_go() -> None:
    """Anna has the new alarm: the end of the old one, read after it, would say that all is well."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:10")
    tonight.people.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 10_000)
    await tonight.until("22:20")
    await tonight.socket(mains=True)
    await tonight.until("23:00")
    tonight.people.sms.script.clear()
    await tonight.socket(mains=False)
    await tonight.until("23:20")
    await tonight.socket(mains=True)
    await tonight.until("23:25")

    assert await tonight.heard() == [
        "22:00 EET Anna text: Cabin: mains power is out, 22 Nov 22:00. Reply CODE to acknowledge",
        "23:00 EET Anna text: Cabin: mains power is out, 22 Nov 23:00. Reply CODE to acknowledge",
        "23:20 EET Anna text: Cabin: mains power is back, 22 Nov 23:20. Ends alarm CODE",
    ]
    assert await tonight.untold() == ["23:00 EET not_sent: Anna, told_since"]


async def test_a_night_in_which_a_freezer_thaws() -> None:
    """Whoever is told again, and whoever is told later or answers, is told how warm it is by then."""
    warm = {"temp": [{}, {"high_c": -18, "delay_s": 0}], "repeat_s": {"critical": 3600}}
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, **warm)
    anna, bertil = await person(tonight, "Anna"), await person(tonight, "Bertil")
    await ladder(tonight, (anna, 0), (bertil, 1800), remind_after_s=3600)

    await tonight.until("22:00")
    await tonight.socket(mains=True, temp_c=[20.0, -17.0])
    await tonight.until("22:20")
    await tonight.socket(mains=True, temp_c=[20.0, -9.5])
    await tonight.until("23:00")
    await tonight.socket(mains=True, temp_c=[20.0, 3.0])
    await tonight.until("23:45")
    await tonight.writes("Anna")
    await tonight.until("00:20")
    await tonight.socket(mains=True, temp_c=[20.0, -4.0])
    await tonight.until("00:50")

    thaws = "Cabin: the temperature is too high: {} C (sensor 2)"
    assert await tonight.heard() == [
        f"22:00 EET Anna text: {thaws.format('-17')}, 22 Nov 22:00. Reply CODE to acknowledge",
        f"22:30 EET Bertil text: {thaws.format('-9.5')}, 22 Nov 22:00. Reply CODE to acknowledge",
        "23:00 EET Owner mail: Nobody has acknowledged an alarm",
        f"23:30 EET Anna text: {thaws.format('3')}, 22 Nov 22:00. Reply CODE to acknowledge",
        "23:45 EET Anna writes: CODE",
        f"23:45 EET Anna text: {thaws.format('3')}. Thank you, you have taken it (CODE)",
        f"23:45 EET Bertil text: {thaws.format('3')}, 22 Nov 22:00. Somebody else has taken it (CODE)",
        f"00:45 EET Anna text: {thaws.format('-4')}, 22 Nov 22:00. Still on it? Reply CODE",
    ]


async def test_a_night_in_which_a_freezer_thaws_while_the_provider_of_texts_is_away() -> None:
    """What could not go for long tells what is so by then, and half an hour is left to answer it."""
    warm = {"temp": [{}, {"high_c": -18, "delay_s": 0}]}
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, **warm)
    await ladder(tonight, (await person(tonight, "Anna"), 0))

    tonight.people.sms.script.extend([TryLater(reason="nothing_sent: ClientConnectorError")] * 10_000)
    await tonight.until("22:00")
    await tonight.socket(mains=True, temp_c=[20.0, -17.0])
    await tonight.until("22:15")
    await tonight.socket(mains=True, temp_c=[20.0, 3.0])
    await tonight.until("22:20")
    tonight.people.sms.script.clear()
    await tonight.until("22:59")

    nobody, text, unanswered = await tonight.heard()
    assert nobody == "22:00 EET Owner mail: Nobody could be told of an alarm"
    thaws = "Cabin: the temperature is too high: 3 C (sensor 2), 22 Nov 22:00. Reply CODE to acknowledge"
    assert text.partition(" EET ")[2] == f"Anna text: {thaws}"
    told_at, notice_at = (datetime.strptime(f"{each[:5]}Z", "%H:%M%z") for each in (text, unanswered))
    assert unanswered.partition(" EET ")[2] == "Owner mail: Nobody has acknowledged an alarm"
    assert notice_at - told_at >= timedelta(minutes=30)


async def test_a_night_in_which_it_gets_colder_while_everybody_sleeps() -> None:
    """Whoever is told in the morning is told how cold it is by then; and so they are thanked."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, **cold_is_major())
    mailed = {"email": "anna@example.org", "email_verified_at": tonight.clock.now()}
    anna = await person(tonight, "Anna", asleep=True, **mailed)
    ways = {"contact_ids": [anna], "channels": ["sms", "email"], "after_s": 0}
    await tonight.records.add(Escalation(id="esc_1", account_id=OWNER, steps=(ways,), remind_after_s=0))

    await tonight.until("22:30")
    await tonight.socket(mains=True, temp_c=[3.5])
    await tonight.until("04:00")
    await tonight.socket(mains=True, temp_c=[-6.0])
    await tonight.until("07:10")
    await tonight.writes("Anna")
    await tonight.until("07:30")

    froze = "Cabin: the temperature is too low: -6 C (sensor 1)"
    assert sorted(await tonight.heard()) == [
        f"07:00 EET Anna mail: {froze}",
        f"07:00 EET Anna text: {froze}, 22 Nov 22:30. Reply CODE to acknowledge",
        f"07:10 EET Anna text: {froze}. Thank you, you have taken it (CODE)",
        "07:10 EET Anna writes: CODE",
    ]
    (mail,) = tonight.people.mail.accepted
    (stored,) = await tonight.records.find(Delivery, is_("channel", ChannelKind.EMAIL))
    token = str(mail.unsubscribe_url).rpartition("/")[2]
    assert token in mail.text  # behind its button, too
    assert await delivery_of(tonight.records, token) == stored


async def test_a_night_in_which_it_is_hardly_warm_enough_again_and_the_alarm_lasts() -> None:
    """Whoever is told again is not told that 5.2 C is too cold where the limit is 5, nor that it is over."""
    cold = {"temp": [{"low_c": 5, "delay_s": 0}], "repeat_s": {"critical": 3600}}
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, **cold)
    await ladder(tonight, (await person(tonight, "Anna"), 0), remind_after_s=0)

    await tonight.until("22:00")
    await tonight.socket(temp_c=[4.8])
    await tonight.until("22:30")
    await tonight.socket(temp_c=[5.2])
    await tonight.until("23:15")
    await tonight.writes("Anna")
    await tonight.until("23:30")
    await tonight.socket(temp_c=[6.0])
    await tonight.until("23:40")

    cold_it_is = "Cabin: the temperature is too low: 4.8 C (sensor 1)"
    was = "Cabin: the temperature was too low, now 5.2 C (sensor 1)"
    assert [each for each in await tonight.heard() if "Anna" in each] == [
        f"22:00 EET Anna text: {cold_it_is}, 22 Nov 22:00. Reply CODE to acknowledge",
        f"23:00 EET Anna text: {was}, 22 Nov 22:00. Reply CODE to acknowledge",
        "23:15 EET Anna writes: CODE",
        f"23:15 EET Anna text: {was}. Thank you, you have taken it (CODE)",
        "23:30 EET Anna text: Cabin: the temperature is no longer too low (sensor 1), 22 Nov 23:30. Ends alarm CODE",
    ]


async def test_a_night_in_which_a_socket_says_by_itself_how_fast_it_thaws() -> None:
    """Whoever is told again that it changes fast, by a socket's own limits, is told how warm it is by then."""
    tonight = await night("2026-11-22 21:00", HELSINKI, **CALM, repeat_s={"major": 3600})
    anna = await person(tonight, "Anna")
    await ladder(tonight, (anna, 0))

    await tonight.until("22:00")
    await tonight.sockets.alarm("temp_rate", probe=0, value=-17.0)
    await tonight.until("22:30")
    await tonight.sockets.alarm("temp_rate", probe=0, value=-9.5)
    await tonight.until("23:30")
    await tonight.socket(mains=True, temp_c=[3.0])
    await tonight.until("00:30")

    fast = "Cabin: the temperature is changing fast, now {} C (sensor 1), 22 Nov 22:00. Reply CODE to acknowledge"
    texts = [line for line in await tonight.heard() if "text" in line]
    assert texts == [
        f"22:00 EET Anna text: {fast.format('-17')}",
        f"23:00 EET Anna text: {fast.format('-9.5')}",
        f"00:00 EET Anna text: {fast.format('3')}",
    ]


def cold_is_major() -> dict[str, Any]:
    """Return settings by which frost is told at five degrees and wakes nobody."""
    return {"temp": [{"low_c": 5, "delay_s": 0, "severity": "major"}]}
