"""Who is to be erased while a hold cannot be copied waits for that, is told so where it may be told, and goes then."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from isocket.domain.accounts import Account, StaffRole
from isocket.domain.erasures import HOLD_UNCOPIED, Erasure, ErasureState
from isocket.domain.holds import Hold, HoldGround, HoldState, Part
from isocket.domain.letters import LANGUAGES
from isocket.domain.reports import Report
from isocket.storage.port import StoreUnavailableError, is_
from portal_api.pages_routes import page_routes
from portal_api.privacy_erasure import TRIED_AGAIN
from portal_api.progress_words import words_in
from privacy.erasing import FOUND_IN_FILES, LOG_IS_READ, LOOK_EVERY_S, NOT_EMPTY, Eraser
from privacy.holds import RETRY, HoldKeeper
from tests.fakes.dying import DyingTelemetry
from tests.fakes.erasing_house import MAIJA_ID, Ground, erasing_house, furnish, in_memory
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, owned
from tests.fakes.portal_house import PASSWORD, PortalHouse
from tests.fakes.visitor import Visitor
from tests.room.test_holds import REASON, Forgetful, copies, hold, keeper
from tests.room.test_portal_pages_staff import post, staff

BROWSER = "text/html,application/xhtml+xml"
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path, (*ALL_ROUTES, *page_routes(desk=False))) as both:
        yield both


def at_work(ground: Ground) -> tuple[Forgetful, Eraser, HoldKeeper]:
    """Return a store of reports that cannot be read until it is mended, who erases, and who copies."""
    telemetry = Forgetful(ground)
    mine = keeper(replace(ground, telemetry=telemetry))
    return telemetry, ground.eraser(preserve=mine.preserve), mine


async def wait_long(ground: Ground, eraser: Eraser, *, looks: int) -> int:
    """Let the eraser look as often as it does; return how many it erased."""
    done = 0
    for _ in range(looks):
        done += await eraser.round()
        await ground.clock.advance(LOOK_EVERY_S)
    return done


async def asked(ground: Ground) -> None:
    now = ground.clock.now()
    wish = Erasure(id="era_1", account_id=MAIJA_ID, asked_at=now, due_at=now, open_key=MAIJA_ID)
    await ground.records.add_all([wish, hold(ground, Part.REPORTS)])


async def test_it_waits_for_the_hold_with_one_line_in_the_log_and_goes_on_when_that_is_copied(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await asked(ground)
    telemetry, eraser, mine = at_work(ground)
    with capture_logs() as lines:
        assert await wait_long(ground, eraser, looks=90) == 0
    said = [(each["event"], each["log_level"], each.get("exc_info", False)) for each in lines]
    assert said == [("hold_not_copied", "error", True), ("erasure_waits", "warning", False)]
    (waiting,) = await ground.erasures()
    assert (waiting.state, waiting.problem) == (ErasureState.RUNNING, HOLD_UNCOPIED)
    await ground.clock.advance(RETRY.total_seconds())
    with capture_logs() as lines:
        assert await wait_long(ground, eraser, looks=90) == 0
    again = [(each["event"], each["log_level"]) for each in lines]
    assert again == [("hold_not_copied", "warning"), ("erasure_waits", "warning")], "it says so, and not where again"
    await ground.clock.advance(RETRY.total_seconds())
    with capture_logs() as lines:
        await keeper(replace(ground, telemetry=telemetry)).round()
    assert [each["log_level"] for each in lines] == ["error"], "who starts anew reads where"
    await ground.clock.advance(RETRY.total_seconds())
    telemetry.broken = False
    await ground.clock.advance(RETRY.total_seconds())
    await mine.round()
    assert await wait_long(ground, eraser, looks=1) == 1
    assert "telemetry" in await copies(ground)
    (done,) = await ground.erasures()
    assert (done.state, done.problem, done.holds) == (ErasureState.DONE, "", ("hld_1",))


@pytest.mark.parametrize("how", ["by staff", "by itself"])
async def test_it_goes_on_when_the_hold_is_over(tmp_path: Path, how: str) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await asked(ground)
    _, eraser, _ = at_work(ground)
    assert await wait_long(ground, eraser, looks=2) == 0
    now, this = ground.clock.now(), is_("id", "hld_1")
    if how == "by staff":
        await ground.records.change_one(Hold, this, state=HoldState.OVER, over_at=now)
    else:
        await ground.records.change_one(Hold, this, ends_at=now)
    assert await wait_long(ground, eraser, looks=1) == 1
    assert await ground.records.get(Account, MAIJA_ID) is None


async def test_what_could_not_be_copied_is_copied_whole_then_and_not_only_what_came_lately(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await asked(ground)
    telemetry, eraser, mine = at_work(ground)
    await ground.clock.advance(30 * 86_400.0)
    await ground.records.change_one(Hold, is_("id", "hld_1"), copied_at=ground.clock.now())
    assert await wait_long(ground, eraser, looks=1) == 0
    telemetry.broken = False
    await ground.clock.advance(RETRY.total_seconds())
    await mine.round()
    assert "telemetry" in await copies(ground)


async def waiting(houses: Houses, ground_of_it: HoldGround, *, silent: bool) -> tuple[str, str]:
    """Begin an erasure that waits for a hold; return her token, and the address of the receipt."""
    house, ground = houses
    maija = await owned(house)
    me = (await house.account(MAIJA)).id
    day = ground.clock.now() + timedelta(days=30)
    made = replace(hold(ground, Part.REPORTS), account_id=me, ground=ground_of_it, silent_until=day if silent else None)
    await ground.records.add(made)
    told = await house.ask("POST", "/privacy/erasure", {"password": PASSWORD, "confirm": MAIJA}, token=maija)
    receipt = (await told.json())["receipt"]
    _, eraser, _ = at_work(ground)
    await ground.records.change_one(Erasure, is_("account_id", me), due_at=ground.clock.now(), farewell_ids=())
    assert await eraser.round() == 0
    return maija, f"/privacy/receipts?{receipt.partition('?')[2]}"


class Away(DyingTelemetry):
    """A store of reports that does not answer until it is back."""

    back = False

    async def reports(self, device_id: str, **more: Any) -> list[Report]:
        if not self.back:
            raise StoreUnavailableError("disk is away")
        return await super().reports(device_id, **more)


async def test_a_store_that_does_not_answer_for_a_moment_parks_no_erasure(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await asked(ground)
    away = Away(ground.telemetry)
    eraser = ground.eraser(preserve=keeper(replace(ground, telemetry=away)).preserve)
    assert await wait_long(ground, eraser, looks=1) == 0
    (waiting,) = await ground.erasures()
    assert waiting.state is ErasureState.RUNNING
    away.back = True
    assert await wait_long(ground, eraser, looks=1) == 1
    assert "telemetry" in await copies(ground)


async def test_an_erasure_says_that_it_waits_for_a_hold_which_somebody_else_could_not_copy(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await asked(ground)
    away = Away(ground.telemetry)
    mine = keeper(replace(ground, telemetry=away))
    eraser = ground.eraser(preserve=mine.preserve)
    assert await wait_long(ground, eraser, looks=1) == 0
    await mine.round()
    assert await wait_long(ground, eraser, looks=2) == 0
    (waiting,) = await ground.erasures()
    assert waiting.problem == HOLD_UNCOPIED
    away.back = True
    await ground.clock.advance(RETRY.total_seconds())
    assert await wait_long(ground, eraser, looks=1) == 1


@pytest.mark.clause("C7-06")
async def test_whoever_waits_reads_why_in_the_plan_and_on_the_receipt(houses: Houses) -> None:
    house, _ = houses
    maija, path = await waiting(houses, HoldGround.CLAIM, silent=False)
    plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
    assert (plan["state"], plan["held_up"]) == ("running", HOLD_UNCOPIED)
    receipt = await (await house.ask("GET", path)).json()
    assert receipt["held_up"] == HOLD_UNCOPIED
    for language in LANGUAGES:
        page = await house.ask("GET", path, headers={"Accept": BROWSER, "Accept-Language": language})
        assert words_in(language)["held_up_copy"] in await page.text()
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    assert HOLD_UNCOPIED in (await visitor.open("/privacy/leaving")).words


@pytest.mark.clause("C2-27")
async def test_of_a_hold_that_an_order_forbids_to_tell_whoever_waits_reads_nothing(houses: Houses) -> None:
    house, _ = houses
    maija, path = await waiting(houses, HoldGround.ORDER, silent=True)
    plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
    receipt = await (await house.ask("GET", path)).json()
    assert (plan["held_up"], receipt["held_up"], receipt["held"]) == (TRIED_AGAIN, TRIED_AGAIN, [])
    page = await house.ask("GET", path, headers={"Accept": BROWSER, "Accept-Language": "en"})
    text = await page.text()
    for other in (NOT_EMPTY, LOG_IS_READ, FOUND_IN_FILES):
        await house.records.change_all(Erasure, problem=other)
        again = await (await house.ask("GET", path)).json()
        plan = await (await house.ask("GET", "/privacy/erasure", token=maija)).json()
        assert (plan["held_up"], again["held_up"]) == (TRIED_AGAIN, TRIED_AGAIN), "other causes have the same words"
    words = words_in("en")
    assert [words[each] in text for each in ("held_up", "held_up_copy", "held")] == [True, False, False]


async def test_staff_read_at_the_hold_that_an_erasure_waits_for_it(houses: Houses) -> None:
    house, _ = houses
    await waiting(houses, HoldGround.CLAIM, silent=False)
    cookie = await staff(house, StaffRole.PRIVACY)
    assert "the erasure of its holder waits for that" in await post(house, cookie, "/staff/holds/hld_1")
    answer = await house.client.get("/api/v1/staff/holds/hld_1", headers={"Cookie": f"sid={cookie}", **REASON})
    said = await answer.json()
    assert (said["uncopied_since"] is not None, said["erasure_waits"]) == (True, True)
