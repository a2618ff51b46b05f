"""An envelope as text, for the stores that keep it."""

import json
from dataclasses import asdict
from typing import Any

from isocket.domain.reports import ENVELOPE_EDITION, Envelope, Watched

_NOT_WRITTEN: list[Any] = [{}, 1]  # by the first programs: what is watched, where it was nothing, and the edition


def envelope_to_text(envelope: Envelope) -> str:
    """Return JSON that `envelope_from_text` reads."""
    kept = [
        envelope.anything,
        envelope.battery_low_pct,
        envelope.temp_c,
        envelope.inputs,
        {} if envelope.watched is None else asdict(envelope.watched),  # a mapping: programs of before read it as one
        ENVELOPE_EDITION,
    ]
    return json.dumps(kept, separators=(",", ":"))


def envelope_from_text(text: str) -> Envelope | None:
    """Return the envelope that was written, None for one of another edition: then every report is judged."""
    anything, battery, temperatures, inputs, *later = json.loads(text)
    watched, edition, *_ = later + _NOT_WRITTEN[len(later) :]
    if edition != ENVELOPE_EDITION:
        return None
    return Envelope(
        anything=anything,
        battery_low_pct=battery,
        temp_c=tuple(None if each is None else (each[0], each[1]) for each in temperatures),
        inputs=tuple(inputs),
        watched=Watched(**watched) if watched else None,
    )
