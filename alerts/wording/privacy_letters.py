"""Every mail about the newsletter, a restriction and the policy, with examples for the page of all messages."""

from datetime import datetime

from isocket.domain.letters import Letter
from isocket.domain.newsletter_letters import confirmation_mail, newsletter_text
from isocket.domain.policy_letters import policy_mail
from isocket.domain.restriction_letters import lifting_mail, restricted_mail
from isocket.domain.restrictions import AlarmsMeanwhile


def privacy_letters(language: str, *, day: datetime, public_url: str) -> list[tuple[str, Letter]]:
    """Return what each mail is for, and the mail."""
    page, token = f"{public_url}/privacy", "TOKEN"
    end = newsletter_text(language, "...", leave=f"{public_url}/newsletter/leave?token={token}", sender="Example Ltd")
    return [
        ("Do you want it?", confirmation_mail(language, f"{public_url}/newsletter/confirm?token={token}")),
        ("Each newsletter", Letter(subject="...", text=end)),
        ("Data is only kept, alarms go on", restricted_mail(language, AlarmsMeanwhile.CONTINUE, page)),
        ("Data is only kept, alarms stop", restricted_mail(language, AlarmsMeanwhile.STOP, page)),
        ("It ends", lifting_mail(language, day, page)),
        (
            "The policy changes much",
            policy_mail(
                language,
                day=day,
                summary="...",
                changes=f"{public_url}/policy/1/changes/2",
                page=f"{public_url}/policy/2",
            ),
        ),
    ]
