"""An envelope as text, for the stores that keep it."""

import json

from isocket.domain.reports import Envelope


def envelope_to_text(envelope: Envelope) -> str:
    """Return JSON that `envelope_from_text` reads."""
    return json.dumps(
        [envelope.anything, envelope.battery_low_pct, envelope.temp_c, envelope.inputs], separators=(",", ":")
    )


def envelope_from_text(text: str) -> Envelope:
    """Return the envelope that was written."""
    anything, battery, temperatures, inputs = json.loads(text)
    return Envelope(
        anything=anything,
        battery_low_pct=battery,
        temp_c=tuple(None if each is None else (each[0], each[1]) for each in temperatures),
        inputs=tuple(inputs),
    )
