"""The shapes of shared sockets, as they travel over the API."""

from datetime import datetime

from pydantic import ConfigDict, Field

from isocket.domain.shares import Share, ShareRole
from portal_api.models import Body, GivenInstant, Instant, LinkToken, View
from portal_api.usernames import Language, Username


class NewShare(Body):
    """Whom to invite, as what, and until when. For an address that is invited already, role and time change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "pekka@example.org", "role": "operator"},
                {"email": "guest@example.org", "role": "viewer", "until": "2026-12-01T10:00:00.000Z"},
            ]
        }
    )

    email: Username
    role: ShareRole = Field(strict=False, description="`operator` also switches and acknowledges, `viewer` looks.")
    until: GivenInstant | None = Field(
        default=None, description="A guest for a time, who sees only what happens during it; null: until it is ended."
    )
    language: Language | None = Field(default=None, description="Of the invitation; that of your account if absent.")


class Acceptance(LinkToken):
    """The answer to an invitation, with the token of its link."""


class ShareView(View):
    """One other person at a socket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "shr_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "email": "pekka@example.org",
                    "role": "operator",
                    "until": None,
                    "state": "accepted",
                    "created_at": "2026-11-22T12:00:00.000Z",
                    "accepted_at": "2026-11-22T12:30:00.000Z",
                    "expires_at": None,
                }
            ]
        }
    )

    id: str
    device_id: str
    email: str = Field(description="Where the invitation went.")
    role: ShareRole
    until: Instant | None
    state: str = Field(description="`invited`, `accepted`, or `over` when its time is.")
    created_at: Instant
    accepted_at: Instant | None
    expires_at: Instant | None = Field(description="When the invitation or the time of the guest ends.")


def state_of(share: Share, now: datetime) -> str:
    """Return `invited`, `accepted`, or `over` when its time is."""
    if share.expires_at is not None and share.expires_at <= now:
        return "over"
    return "invited" if share.accepted_at is None else "accepted"


def view(share: Share, now: datetime) -> ShareView:
    return ShareView(
        id=share.id,
        device_id=share.device_id,
        email=share.email,
        role=share.role,
        until=share.until,
        state=state_of(share, now),
        created_at=share.created_at,
        accepted_at=share.accepted_at,
        expires_at=share.expires_at,
    )
