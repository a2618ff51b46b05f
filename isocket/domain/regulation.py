"""Until when authorities, and whoever uses the product, must hear of a breach: dated data, a new law is a new row.

A rule holds for breaches of which we became aware from its first day on; older ones keep the rule of their time.
Periods are counted from the moment itself and never moved to a working day: that ends no later than any other way of
counting (Regulation 1182/71, Art. 3, would begin with the next whole hour).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from isocket.domain.periods import months_later


class Duty(StrEnum):
    """What has to be told to an authority, or to whoever uses the product."""

    AUTHORITY = "authority"
    EARLY_WARNING = "cra_early_warning"
    PRODUCT_NOTIFICATION = "cra_notification"
    FINAL_REPORT = "cra_final_report"
    USERS = "cra_users"


class Risk(StrEnum):
    """What a breach may do to the people whom it concerns."""

    UNLIKELY = "unlikely"
    LIKELY = "likely"
    HIGH = "high"


class ProductEvent(StrEnum):
    """What it is as an event of the product (Cyber Resilience Act, Art. 14); most breaches are none."""

    NONE = "none"
    VULNERABILITY = "vulnerability"  # one that is actively exploited
    INCIDENT = "incident"  # severe, with an impact on the security of the product


class CountedFrom(StrEnum):
    """From when a period counts."""

    AWARE = "aware"
    FIXED = "fixed"  # a corrective measure is there
    NOTIFIED = "notified"  # the notification before was handed in
    NOTHING = "nothing"  # it is owed in good time, and the law names no day


_UNION = (UTC, timezone(timedelta(hours=3)))  # the clocks of the Union do not agree on which day it is


def _months_later(begin: datetime, months: int) -> datetime:
    """Return the end of a period of months, by whichever of the Union's clocks it comes first."""
    return min(months_later(begin.astimezone(zone), months) for zone in _UNION).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One duty in one law. `risks` and `events` are those with which it applies; from `valid_until` on it does not."""

    duty: Duty
    law: str
    to: str
    valid_from: datetime
    valid_until: datetime | None = None
    risks: frozenset[Risk] = frozenset(Risk)
    events: frozenset[ProductEvent] = frozenset(ProductEvent)
    counted_from: CountedFrom = CountedFrom.AWARE
    hours: int = 0
    months: int = 0

    def applies(self, facts: "Facts") -> bool:
        """Return whether it is a duty of a breach."""
        held = self.valid_from <= facts.aware_at and (self.valid_until is None or facts.aware_at < self.valid_until)
        return held and facts.risk in self.risks and facts.event in self.events

    def due_at(self, facts: "Facts") -> datetime | None:
        """Return its last moment, None while what it counts from has not happened, or where the law names none."""
        begin = {
            CountedFrom.AWARE: facts.aware_at,
            CountedFrom.FIXED: facts.fixed_at,
            CountedFrom.NOTIFIED: facts.notified_at,
            CountedFrom.NOTHING: None,
        }[self.counted_from]
        return None if begin is None else _months_later(begin, self.months) + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the law asks of a breach. `notified_at`: when the notification about the product was handed in."""

    aware_at: datetime
    risk: Risk
    event: ProductEvent = ProductEvent.NONE
    fixed_at: datetime | None = None
    notified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One duty of one breach."""

    duty: Duty
    law: str
    to: str
    due_at: datetime | None


_GDPR = datetime(2018, 5, 25, tzinfo=UTC)
_CRA = datetime(2026, 9, 11, tzinfo=UTC)  # Regulation (EU) 2024/2847, Art. 71(2): reporting before all else
_DATA_AUTHORITY = "the data protection authority"
_PLATFORM = "the coordinating CSIRT and ENISA, through their single reporting platform"
_OF_A_PRODUCT = frozenset({ProductEvent.VULNERABILITY, ProductEvent.INCIDENT})

RULES: tuple[Rule, ...] = (
    Rule(
        duty=Duty.AUTHORITY,
        law="Regulation (EU) 2016/679, Art. 33(1)",
        to=_DATA_AUTHORITY,
        valid_from=_GDPR,
        risks=frozenset({Risk.LIKELY, Risk.HIGH}),
        hours=72,
    ),
    Rule(
        duty=Duty.EARLY_WARNING,
        law="Regulation (EU) 2024/2847, Art. 14(2)(a) and (4)(a)",
        to=_PLATFORM,
        valid_from=_CRA,
        events=_OF_A_PRODUCT,
        hours=24,
    ),
    Rule(
        duty=Duty.PRODUCT_NOTIFICATION,
        law="Regulation (EU) 2024/2847, Art. 14(2)(b) and (4)(b)",
        to=_PLATFORM,
        valid_from=_CRA,
        events=_OF_A_PRODUCT,
        hours=72,
    ),
    Rule(
        duty=Duty.FINAL_REPORT,
        law="Regulation (EU) 2024/2847, Art. 14(2)(c)",
        to=_PLATFORM,
        valid_from=_CRA,
        events=frozenset({ProductEvent.VULNERABILITY}),
        counted_from=CountedFrom.FIXED,
        hours=14 * 24,
    ),
    Rule(
        duty=Duty.FINAL_REPORT,
        law="Regulation (EU) 2024/2847, Art. 14(4)(c)",
        to=_PLATFORM,
        valid_from=_CRA,
        events=frozenset({ProductEvent.INCIDENT}),
        counted_from=CountedFrom.NOTIFIED,
        months=1,
    ),
    Rule(
        duty=Duty.USERS,
        law="Regulation (EU) 2024/2847, Art. 14(8)",
        to="everybody whose product it concerns",
        valid_from=_CRA,
        events=_OF_A_PRODUCT,
        counted_from=CountedFrom.NOTHING,
    ),
)
"""In force. What is only proposed (96 hours, high risk alone: the Digital Omnibus) is no rule before it is law."""


def duties(facts: Facts, *, rules: Sequence[Rule] = RULES) -> tuple[Due, ...]:
    """Return what has to be told about a breach, and until when."""
    found = (each for each in rules if each.applies(facts))
    return tuple(Due(duty=each.duty, law=each.law, to=each.to, due_at=each.due_at(facts)) for each in found)
