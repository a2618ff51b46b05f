"""An envelope as text, for the stores that keep it."""

import json
from dataclasses import asdict

from isocket.domain.reports import Envelope, Watched


def envelope_to_text(envelope: Envelope) -> str:
    """Return JSON that `envelope_from_text` reads."""
    kept = [envelope.anything, envelope.battery_low_pct, envelope.temp_c, envelope.inputs]
    if envelope.watched is not None:
        kept.append(asdict(envelope.watched))
    return json.dumps(kept, separators=(",", ":"))


def envelope_from_text(text: str) -> Envelope:
    """Return the envelope that was written."""
    anything, battery, temperatures, inputs, *watched = json.loads(text)
    return Envelope(
        anything=anything,
        battery_low_pct=battery,
        temp_c=tuple(None if each is None else (each[0], each[1]) for each in temperatures),
        inputs=tuple(inputs),
        watched=Watched(**watched[0]) if watched else None,
    )
