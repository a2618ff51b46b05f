"""What the operator is told of a finding of the self-audit. In English: it is read by whoever runs the cloud."""

from collections.abc import Mapping
from types import MappingProxyType

from alerts.audit_checks import Found, Kind
from alerts.operator import News

TOLD_ELSEWHERE = frozenset({Kind.OUTAGE})
"""What has a notice of its own, see `alerts.outages`."""

_NEWS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.STEPS_LATE: ("ladders are not climbed", "The next step of an incident has been due for minutes."),
        Kind.FORGOTTEN: (
            "{number} open incidents had nothing due and no reason for it",
            "They were handed to their ladders again. Their timelines say `found_by_audit`.",
        ),
        Kind.HELD_TOO_LONG: ("{number} incidents are held back too long", "An outage should have let go of them."),
        Kind.ALARMS_LATE: (
            "alarms wait to be handed over",
            "An alarm has been due for minutes: a provider hangs or refuses us, or more is due than the rate allows.",
        ),
        Kind.MESSAGES_LATE: ("messages wait to be handed over", "One has been due for a quarter of an hour."),
        Kind.CALLS_LEFT: ("{number} calls of providers were left behind", "Nobody settles calls whose worker died."),
        Kind.MANY_UNCLEAR: (
            "of {number} messages nobody can tell whether they went out",
            "A provider takes messages and does not answer. They are settled by receipts or by asking it.",
        ),
        Kind.RECEIPTS_LATE: ("receipts are not read", "One has waited for minutes."),
        Kind.CALLBACKS_SILENT: (
            "no receipt came for {number} messages",
            "The provider accepted them and reported on none: can it reach ISOCKET_PUBLIC_URL?",
        ),
        Kind.JUDGING_LATE: ("reports of sockets wait to be judged", "A socket has waited for minutes."),
        Kind.PROVIDER_REFUSES: (
            "{number} providers refuse everything we send",
            "Look at login, balance and sender: `isocket check`, and the log for provider_refuses_us.",
        ),
        Kind.WORKER_STUCK: ("{number} workers do not get on", "A step of theirs has taken for minutes: see the log."),
        Kind.WORKER_FAILING: ("{number} workers fail again and again", "The log says why: worker_step_failed."),
    }
)
_ONCE = "You get this once, until it has been well for an hour. `isocket_audit_findings` in /metrics shows it."


def news_of(found: Found) -> News | None:
    """Return the notice, None for what the operator is told elsewhere."""
    if found.kind in TOLD_ELSEWHERE:
        return None
    headline, advice = _NEWS[found.kind]
    return News(headline=headline.format(number=found.number), advice=f"{advice}\n\n{_ONCE}")
