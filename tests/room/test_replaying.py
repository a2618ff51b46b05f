"""What a past period would have looked like: the same as it was by the same settings, and otherwise by others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import replaying
from alerts.replay import replay
from alerts.replaying import MOST_TRIES, Replayer
from alerts.rules.docket import Case
from isocket.domain.incidents import Happening
from isocket.domain.replays import Replay, ReplayState
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import to_ms
from portal_api.replays import ASKED
from tests.fakes.clock import NOON
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.judged_house import DEVICE, OWNER, JudgedHouse, judged_house
from tests.fakes.portal_devices import SOCKET, devices_house, fields_of, owned, report
from tests.fakes.portal_house import PortalHouse

SETTINGS: dict[str, Any] = {
    "temp": [{"low_c": 5, "delay_s": 60, "fall_c_per_h": 10, "rate_window_s": 600}],
    "thermostat": {"enabled": True, "on_c": 6, "off_c": 8, "alarm_after_s": 900},
    "signal": {"low_pct": 20, "delay_s": 120},
    "flapping": {"count": 3, "window_s": 1800, "quiet_s": 900},
    "heartbeat_s": 300,
}


async def a_bad_week(house: JudgedHouse) -> None:
    """Let a socket go through what there is, a report at a time, heard by a bridge that listens all the while."""
    await house.listen(NOON, NOON + timedelta(days=7))
    await house.state(mains=True, temp_c=[20.0], signal_pct=60)
    await house.let_pass(200)
    for reading in (19, 17, 15, 13, 10, 7, 4.5, 4.4, 4.3, 4.2, 4.1, 4.0, 3.9, 6.5, 9.0):
        await house.state(temp_c=[reading], signal_pct=15 if reading < 5 else 60)
        await house.let_pass(200)
    for _ in range(5):
        await house.state(mains=False, battery_pct=60)
        await house.let_pass(60)
        await house.state(mains=True)
        await house.let_pass(60)
    await house.let_pass(1200)
    await house.alarm("unauthorised")
    await house.let_pass(200)
    await house.state(mains=False)
    await house.let_pass(1300)
    await house.state(mains=True)
    await house.let_pass(600)


async def asked(house: JudgedHouse, **settings: Any) -> Replay:
    question = Replay(
        id="rep_1",
        account_id=OWNER,
        device_id=DEVICE,
        start_at=NOON - timedelta(days=1),
        end_at=house.clock.now(),
        settings=settings,
        created_at=house.clock.now(),
    )
    await house.records.add(question)
    replayer = Replayer(records=house.records, telemetry=house.telemetry, clock=house.clock)
    assert await replayer.step()
    assert not await replayer.step()
    answered = await house.records.get(Replay, "rep_1")
    assert answered is not None
    return answered


async def test_with_the_settings_that_held_the_past_is_as_it_was() -> None:
    house = await judged_house(**SETTINGS)
    await a_bad_week(house)
    answer = await asked(house, **SETTINGS)
    assert answer.state is ReplayState.DONE
    live = {
        (
            each.cause.value,
            each.probe,
            to_ms(each.opened_at),
            None if each.closed_at is None else to_ms(each.closed_at),
            each.severity.value,
        )
        for each in await house.incidents()
    }
    again = {
        (each["cause"], each["probe"], each["began_ms"], each["ended_ms"], each["severity"])
        for each in answer.incidents
    }
    assert again == live
    assert {each["cause"] for each in answer.incidents} >= {
        "temp_low", "temp_rate", "thermostat_ineffective", "signal_low", "flapping", "mains_lost", "offline",
        "unauthorised",
    }  # fmt: skip
    lines = [await house.timeline(each) for each in await house.incidents()]
    untold = [
        each
        for each in lines
        if any(what == Happening.NOT_SENT for what, _ in each) and (Happening.NOTE, "no_longer_explained") not in each
    ]
    assert sum(each["told_ms"] is None for each in answer.incidents) == len(untold)
    assert {each["reason"] for each in answer.incidents} == {"", "explained_by_flapping", "explained_by_mains_lost"}


async def test_with_other_settings_it_is_otherwise_and_nothing_is_changed() -> None:
    house = await judged_house(**SETTINGS)
    await a_bad_week(house)
    before = await house.incidents()
    answer = await asked(house, mains_delay_s=3600, offline_after=10, severities={"unauthorised": "info"})
    (only,) = answer.incidents
    assert (only["cause"], only["told_ms"], only["reason"]) == ("unauthorised", None, "information_only")
    assert await house.incidents() == before


async def test_what_seemed_over_when_we_heard_of_it_and_was_is_not_told() -> None:
    house = await judged_house()
    await house.state(mains=True)
    await house.let_pass(60)
    await house.tell(
        house.report(ReportKind.STATE, {"temp_c": [2.0]}, ago_s=50),
        house.report(ReportKind.STATE, {"temp_c": [9.0]}, ago_s=1),
    )
    answer = await asked(house, temp=[{"low_c": 5, "delay_s": 10, "severity": "major"}])
    (only,) = answer.incidents
    assert (only["told_ms"], only["reason"]) == (None, "came_late")


@pytest.mark.parametrize(
    ("ends_s", "told_s", "reason"),
    [(5, None, "came_late"), (10, None, "came_late"), (11, 10, ""), (3600, 10, "")],
)
async def test_an_alarm_that_came_late_is_told_after_ten_seconds_unless_its_end_followed_by_then(
    ends_s: int, told_s: int | None, reason: str
) -> None:
    house = await judged_house(heartbeat_s=86_400)
    await house.alarm("mains_lost", ago_s=7200)
    came_ms = to_ms(house.clock.now())
    await house.let_pass(ends_s)
    await house.alarm("mains_lost", active=False, ago_s=1)
    answer = await asked(house, heartbeat_s=86_400)
    (only,) = answer.incidents
    told_ms = None if told_s is None else came_ms + told_s * 1000
    assert (only["told_ms"], only["reason"]) == (told_ms, reason)


@pytest.mark.parametrize(("comes_back_s", "told_s", "reason"), [(5, None, "came_late"), (15, 10, "")])
async def test_what_came_late_and_seems_over_within_ten_seconds_is_told_only_if_that_does_not_last(
    comes_back_s: int, told_s: int | None, reason: str
) -> None:
    house = await judged_house(heartbeat_s=86_400)
    await house.alarm("mains_lost", ago_s=7200)
    came_ms = to_ms(house.clock.now())
    await house.let_pass(comes_back_s)
    await house.state(mains=True)
    await house.let_pass(60)
    (only,) = (await asked(house, heartbeat_s=86_400, restore_delay_s=30)).incidents
    told_ms = None if told_s is None else came_ms + told_s * 1000
    assert (only["told_ms"], only["reason"]) == (told_ms, reason)


async def test_a_worker_that_dies_at_any_verb_leaves_the_answer_to_the_next() -> None:
    async def build() -> JudgedHouse:
        house = await judged_house()
        await house.alarm("mains_lost")
        question = Replay(
            id="rep_1",
            account_id=OWNER,
            device_id=DEVICE,
            start_at=NOON - timedelta(days=1),
            end_at=NOON + timedelta(days=1),
            settings={},
            created_at=house.clock.now(),
        )
        await house.records.add(question)
        return house

    async def run(house: JudgedHouse, fuse: Fuse) -> None:
        await house.clock.advance(400)
        replayer = Replayer(
            records=DyingRecords(house.records, fuse),
            telemetry=DyingTelemetry(house.telemetry, fuse),
            clock=house.clock,
        )
        while await replayer.step():
            pass

    async def check(house: JudgedHouse) -> None:
        answer = await house.records.get(Replay, "rep_1")
        assert answer is not None
        assert [each["cause"] for each in answer.incidents] == ["mains_lost", "offline"]

    assert await every_crash_point(build, run, check) > 6


async def test_a_question_that_kills_every_worker_is_given_up() -> None:
    house = await judged_house()
    question = Replay(
        id="rep_1",
        account_id=OWNER,
        device_id=DEVICE,
        start_at=NOON,
        end_at=NOON + timedelta(days=1),
        settings={},
        created_at=NOON,
        tries=MOST_TRIES,
    )
    await house.records.add(question)
    assert await Replayer(records=house.records, telemetry=house.telemetry, clock=house.clock).step()
    answer = await house.records.get(Replay, "rep_1")
    assert answer is not None
    assert (answer.state, answer.error) == (ReplayState.FAILED, "broke_off")


Reports = st.lists(
    st.tuples(
        st.integers(0, 3600),
        st.integers(0, 90),
        st.fixed_dictionaries(
            {},
            optional={"mains": st.booleans(), "temp_c": st.lists(st.sampled_from([3.0, 6.0, 20.0]), max_size=1)},
        ),
    ),
    max_size=40,
)


@given(told=Reports)
def test_a_replay_ends_and_no_episode_ends_before_it_began(told: list[tuple[int, int, dict[str, Any]]]) -> None:
    at_ms, reports = to_ms(NOON), []
    for seq, (after_s, late_s, fields) in enumerate(told, 1):
        at_ms += after_s * 1000
        reports.append(
            Report(DEVICE, ReportKind.STATE, 1, seq, at_ms, at_ms + late_s * 1000, ClockQuality.DEVICE, "", fields)
        )
    case = Case(device_id=DEVICE, account_id=OWNER, settings=DeviceSettings.of(SETTINGS))
    end_ms = at_ms + 7_200_000
    for each in replay(case, reports, start_ms=to_ms(NOON), end_ms=end_ms):
        assert each.ended_ms is None or each.began_ms <= each.ended_ms <= end_ms
        assert each.noticed_ms <= end_ms
        assert (each.told_ms is None) == bool(each.reason)


# By way of the portal


@pytest.fixture
async def portal() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


def period(portal: PortalHouse, days: float = 1, **more: Any) -> dict[str, Any]:
    now = portal.clock.now()
    return {"from": (now - timedelta(days=days)).isoformat(), "to": now.isoformat(), **more}


async def test_an_owner_asks_and_is_answered_once_it_is_known(portal: PortalHouse) -> None:
    token = await owned(portal)
    began = portal.clock.now()
    await report(portal, 1, temp_c=[4.0])
    await portal.clock.advance(600)
    path = f"/devices/{SOCKET}/replay"
    answer = await portal.ask("POST", path, period(portal, settings={"temp": [{"low_c": 5}]}), token=token)
    assert answer.status == 202
    waiting = await answer.json()
    assert (waiting["status"], waiting["incidents"]) == ("waiting", [])
    await Replayer(records=portal.records, telemetry=portal.telemetry, clock=portal.clock).step()
    done = await (await portal.ask("GET", f"{path}/{waiting['id']}", token=token)).json()
    (only,) = done["incidents"]
    assert (done["status"], done["reports"], only["cause"], only["probe"]) == ("done", 1, "temp_low", 0)
    assert only["began"].startswith(began.isoformat()[:19])
    assert only["told"] is not None
    settings = await (await portal.ask("GET", f"/devices/{SOCKET}/settings", token=token)).json()
    assert settings["desired"]["temp"][0]["low_c"] is None, "it is a question and changes nothing"


async def test_an_input_that_a_socket_reports_can_be_asked_about_whatever_its_model(portal: PortalHouse) -> None:
    token = await owned(portal, model="isocket-3g")
    await report(portal, 1, input=[False], armed=True)
    wish = period(portal, settings={"input": [{"kind": "nc"}]})
    assert (await portal.ask("POST", f"/devices/{SOCKET}/replay", wish, token=token)).status == 202


@pytest.mark.parametrize(
    ("days", "more", "field"),
    [
        (32, {}, "to"),
        (-1, {}, "to"),
        (1, {"settings": {"heartbeat_s": 0}}, "settings.heartbeat_s"),
        (1, {"settings": {"temp": [{"low_c": 9, "high_c": 3}]}}, "settings.temp.0"),
        (1, {"from": "yesterday"}, "from"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_name(
    portal: PortalHouse, days: float, more: dict[str, Any], field: str
) -> None:
    token = await owned(portal)
    answer = await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal, days, **more), token=token)
    assert answer.status == 422
    assert fields_of(await answer.json()) == [field]


async def test_an_account_has_few_questions_waiting_at_a_time(portal: PortalHouse) -> None:
    token = await owned(portal)
    asks = [await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal), token=token) for _ in range(4)]
    assert [each.status for each in asks] == [202, 202, 202, 429]
    assert "Retry-After" in asks[-1].headers


async def test_an_account_asks_only_so_often_an_hour_also_where_nothing_waits(portal: PortalHouse) -> None:
    token = await owned(portal)
    statuses = []
    for _ in range(ASKED.tries + 1):
        answer = await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal), token=token)
        statuses.append(answer.status)
        await portal.records.change_all(Replay, state=ReplayState.DONE)
    assert statuses == [202] * ASKED.tries + [429]
    await portal.clock.advance(ASKED.per_s / ASKED.tries)
    again = await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal), token=token)
    assert again.status == 202


async def test_a_socket_given_up_takes_its_replays_along(portal: PortalHouse) -> None:
    token = await owned(portal)
    await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal), token=token)
    await portal.ask("DELETE", f"/devices/{SOCKET}", token=token)
    assert await portal.records.count(Replay) == 0


async def test_another_customer_sees_none(portal: PortalHouse) -> None:
    token = await owned(portal)
    asked_by_maija = await (await portal.ask("POST", f"/devices/{SOCKET}/replay", period(portal), token=token)).json()
    pekka = await portal.customer("pekka@example.org")
    shown = await portal.ask("GET", f"/devices/{SOCKET}/replay/{asked_by_maija['id']}", token=pekka)
    assert shown.status == 404


async def test_a_period_with_too_much_to_judge_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MOST_REPORTS", 2)
    house = await judged_house()
    for _ in range(3):
        await house.state(mains=True)
    await house.let_pass(1)
    answer = await asked(house)
    assert (answer.state, answer.error, answer.incidents) == (ReplayState.FAILED, "too_many_reports", [])
