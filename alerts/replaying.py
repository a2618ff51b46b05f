"""Answers what a past period would have looked like: reads the reports, lets the rules judge them, keeps the answer."""

import asyncio

from alerts.replay import as_told, replay
from alerts.rules.docket import Case
from isocket.domain.replays import Replay, ReplayState
from isocket.domain.reports import Report, ReportKind
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import Clock, to_ms
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_
from isocket.storage.telemetry import Telemetry
from isocket.storage.worker import claim, settle

LEASE_S = 300.0
PAGE = 1_000
MOST_REPORTS = 50_000  # one every 54 s for 31 days; judging each takes up to 0.2 ms
MOST_INCIDENTS = 500
MOST_TRIES = 3
TOO_MANY = "too_many_reports"
BROKE_OFF = "broke_off"
log = get_logger(__name__)


class Replayer:
    """Answers one question a step.

    1. Claim the one that waits longest. One that was claimed too often, and each time its worker died, is given up.
    2. Read the reports of the period, a page at a time.
    3. Judge them in a thread: a month of a talkative socket takes seconds, and alarms must not wait for it.
    4. Keep the answer, if nobody has claimed the question since.
    """

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock

    async def step(self) -> bool:
        """Answer one question; return whether there was any."""
        waits = is_("state", ReplayState.WAITING)
        asked = await claim(self._records, Replay, waits, clock=self._clock, lease_s=LEASE_S, order_by="created_at")
        if asked is None:
            return False
        if asked.tries >= MOST_TRIES:
            await settle(self._records, asked, state=ReplayState.FAILED, error=BROKE_OFF)
            return True
        begun = await settle(self._records, asked, tries=asked.tries + 1)
        if begun is not None:
            await self._answer(begun)
        return True

    async def _answer(self, asked: Replay) -> None:
        reports = await self._reports(asked)
        if len(reports) > MOST_REPORTS:
            await settle(self._records, asked, state=ReplayState.FAILED, error=TOO_MANY, reports=len(reports))
            return
        case = Case(device_id=asked.device_id, account_id=asked.account_id, settings=DeviceSettings.of(asked.settings))
        episodes = await asyncio.to_thread(
            replay, case, reports, start_ms=to_ms(asked.start_at), end_ms=to_ms(asked.end_at)
        )
        await settle(
            self._records,
            asked,
            state=ReplayState.DONE,
            reports=len(reports),
            answer={"incidents": list(as_told(episodes[:MOST_INCIDENTS]))},
            truncated=len(episodes) > MOST_INCIDENTS,
        )
        log.info("replay_done", replay_id=asked.id, reports=len(reports), incidents=len(episodes))

    async def _reports(self, asked: Replay) -> list[Report]:
        """Return what the device reported in the period; one more than too many is enough to know."""
        found: list[Report] = []
        while len(found) <= MOST_REPORTS:
            page = await self._telemetry.reports(
                asked.device_id,
                start=asked.start_at,
                end=asked.end_at,
                after=found[-1] if found else None,
                limit=PAGE,
            )
            found += [each._replace(body="") for each in page]  # its fields are all that rules read
            if len(page) < PAGE:
                break
        return [each for each in found if each.kind in {ReportKind.STATE, ReportKind.ALARM}]
