"""The relay: where it stands, who moved it, and what it will do by itself later."""

from dataclasses import dataclass

from firmware_sim.settings import Thermostat
from firmware_sim.wire import RelayCause


@dataclass(slots=True, kw_only=True)
class Relay:
    closed: bool = True
    cause: RelayCause = RelayCause.UNKNOWN
    _later: tuple[int, bool] | None = None

    def move(self, *, closed: bool, cause: RelayCause) -> None:
        """Any move by somebody else ends a running timer."""
        self.closed, self.cause, self._later = closed, cause, None

    def move_for(self, *, closed: bool, cause: RelayCause, until_up_ms: int) -> None:
        """Move now, and to the other position at that time."""
        self.move(closed=closed, cause=cause)
        self._later = (until_up_ms, not closed)

    def live(self, up_ms: int) -> None:
        if self._later and up_ms >= self._later[0]:
            self.move(closed=self._later[1], cause=RelayCause.TIMER)

    def obey(self, thermostat: Thermostat, temp_c: float | None) -> None:
        """Outside its band the thermostat has the last word; without a thermometer it lets go."""
        if not thermostat.enabled:
            return
        wanted = _wanted(thermostat, temp_c)
        if wanted is not None and wanted != self.closed:
            self.move(closed=wanted, cause=RelayCause.THERMOSTAT)


def _wanted(thermostat: Thermostat, temp_c: float | None) -> bool | None:
    if temp_c is None:
        return False
    cold, hot = sorted((thermostat.on_c, thermostat.off_c))
    heating = thermostat.mode == "heat"
    if temp_c <= cold:
        return heating
    if temp_c >= hot:
        return not heating
    return None
