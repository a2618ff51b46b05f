"""What an acknowledgement changes in an incident, whoever gives it: the portal and the alarm service alike.

The caller makes each change in one atomic step, under the tests that are named here.
"""

from datetime import datetime, timedelta
from typing import Any

from isocket.domain.incidents import IncidentState

ANSWER_WITHIN = timedelta(minutes=15)
"""How long whoever took it has to answer whether they still are on it, before others are told again."""


def taking(by: str, now: datetime) -> dict[str, Any]:
    """Return the changes of an incident that is open: somebody takes it.

    `by` is the account's or contact's id and the way, as `con_… sms`.
    """
    return {
        "state": IncidentState.ACKNOWLEDGED,
        "acknowledged_at": now,
        "acknowledged_by": by,
        "confirmed_at": None,
        "asked_at": None,
        "needs_step": True,
        "step_due_at": now,
    }


def confirming(by: str, now: datetime) -> dict[str, Any]:
    """Return the changes of one that is acknowledged and whose taker was asked: somebody is still on it."""
    return {
        "acknowledged_by": by,
        "confirmed_at": now,
        "asked_at": None,
        "needs_step": True,
        "step_due_at": now,
    }


def letting_go(now: datetime) -> dict[str, Any]:
    """Return the changes of one whose taker did not answer: it is open again, and its ladder begins anew.

    Whatever explained it: its end may have come while it was taken, and nobody would hand it over a second time.
    """
    return {
        "state": IncidentState.OPEN,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "confirmed_at": None,
        "asked_at": None,
        "explained_by": None,
        "told_from": now,
        "ladder_position": 0,
        "exhausted_at": None,
        "needs_step": True,
        "step_due_at": now,
    }
