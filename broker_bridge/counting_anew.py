"""Devices that count anew: the numbers of a message are from before what we hold, its time is from after that.

By its numbers such a message is history, and no alarm of it is raised: nothing but a word among the refused messages
tells an owner that their socket, which is online and reports, has become deaf.
"""

from collections.abc import Mapping, Sequence

from broker_bridge.confirmations import Confirmations
from broker_bridge.problem_log import ProblemLog
from isocket.domain.reports import ClockQuality, Report
from isocket.kit.clock import to_ms
from isocket.storage.telemetry import Confirmed, Telemetry

CLOCK_PUT_RIGHT_MS = 60_000  # so far a device may set its own clock back without counting as such


class CountingAnew:
    """Notes it once for each start of a device, in each lane, as long as this process lives.

    What has no time of its own is not told from a backlog.
    """

    def __init__(self, telemetry: Telemetry, confirmations: Confirmations, problems: ProblemLog) -> None:
        self._telemetry = telemetry
        self._confirmations = confirmations
        self._problems = problems
        self._noted: dict[str, int] = {}  # the boot of which it was noted

    async def look(self, reports: Sequence[Report], past: Mapping[str, Confirmed]) -> None:
        """Look at stored reports, `past` being what is known of devices that were never heard by this process.

        The store is asked only about those whose numbers lie before what the device was told. May run twice.
        """
        before: dict[str, Report] = {}
        for each in reports:
            if each.clock is ClockQuality.DEVICE and self._noted.get(each.device_id) != each.boot:
                known = past.get(each.device_id)
                upto = self._confirmations.upto(each.device_id) if known is None else known.upto
                if upto is not None and each.order < upto:
                    before[each.device_id] = each
        newest = await self._telemetry.latest(list(before)) if before else {}
        for device_id, report in before.items():
            state = newest.get(device_id)
            if state is None or report.order >= (state.boot, state.seq):
                continue
            if report.at_ms > to_ms(state.at) + CLOCK_PUT_RIGHT_MS:
                field = "boot" if report.boot < state.boot else "seq"
                came = f"boot {report.boot}, seq {report.seq} came after boot {state.boot}, seq {state.seq}"
                reason = f"{came}: it counts as older, and raises no alarm"
                await self._problems.add(device_id, report.kind.value, reason, field, report.received_ms)
                self._noted[device_id] = report.boot
