"""The battery that keeps a socket talking when the mains is gone."""

from dataclasses import dataclass

EMPTY_SOON_PCT = 5
FULL_PCT = 100
_HOUR_MS = 3_600_000


@dataclass(slots=True, kw_only=True)
class Battery:
    """Level in percent; drains without mains and charges with it, at even rates."""

    level_pct: float = FULL_PCT
    drain_pct_per_h: float = 8.0
    charge_pct_per_h: float = 20.0

    @property
    def pct(self) -> int:
        return round(self.level_pct)

    @property
    def full(self) -> bool:
        return self.pct >= FULL_PCT

    @property
    def empty(self) -> bool:
        return self.level_pct <= 0

    def live(self, *, elapsed_ms: int, mains: bool) -> None:
        rate_pct_per_h = self.charge_pct_per_h if mains else -self.drain_pct_per_h
        level_pct = self.level_pct + rate_pct_per_h * elapsed_ms / _HOUR_MS
        self.level_pct = min(float(FULL_PCT), max(0.0, level_pct))
