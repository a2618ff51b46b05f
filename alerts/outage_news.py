"""What the operator is told of an outage. In English: it is read by whoever runs the cloud."""

from datetime import datetime

from alerts.operator import News
from isocket.domain.outages import Outage, OutageKind

_HELD = (
    "Nobody is told that their socket is offline because of this. Whose socket stays silent too long, or is still "
    "silent when the others are back, is told after all.\n\nYou get this once."
)


def news_of(outage: Outage) -> News:
    """Return the one notice that an outage began."""
    if outage.kind is OutageKind.DEAF:
        return News(
            headline=f"nobody listens to the sockets since {outage.began_at:%H:%M} UTC",
            advice=f"The bridge or its broker is gone: see the log of `isocket bridge` and /readyz. {_HELD}",
        )
    return News(
        headline=f"{outage.hit} of {outage.fleet} sockets fell silent at once, about {outage.began_at:%H:%M} UTC",
        advice="The bridge is connected, so look at the way from the sockets to the broker: its outside address, its "
        f"certificate, the mobile network. {_HELD}",
    )


def news_of_end(outage: Outage, now: datetime) -> News | None:
    """Return the mail that an outage is over, None for one that is no trouble of ours."""
    if outage.kind is OutageKind.POWER:
        return None
    lasted_min = round((now - outage.began_at).total_seconds() / 60)
    return News(
        headline=f"the sockets are heard again, after {lasted_min} min",
        advice="Whose socket is not back within some minutes is told now.",
    )
