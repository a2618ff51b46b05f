"""Every mail about newsletter, rights, policy and breach, with examples for the page of all messages."""

from datetime import datetime

from isocket.domain.breach_letters import breach_mail, breach_report_mail
from isocket.domain.breaches import NoticeWords, ReportWords
from isocket.domain.followed_letters import ALARMS, corrected_mail, objected_mail, taken_back_mail
from isocket.domain.letters import Letter
from isocket.domain.newsletter_letters import confirmation_mail, newsletter_text
from isocket.domain.policy_letters import policy_mail
from isocket.domain.processing import Controller
from isocket.domain.restriction_letters import lifting_mail, restricted_mail
from isocket.domain.restrictions import AlarmsMeanwhile, ObjectionTo


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
        ("An objection by letter", objected_mail(language, [*ObjectionTo, ALARMS], page)),
        ("An objection taken back by letter", taken_back_mail(language, [*ObjectionTo, ALARMS], page)),
        (
            "A correction by letter",
            corrected_mail(
                language,
                {"name": "Maija", "language": "Suomi", "time_zone": "Europe/Helsinki"},
                f"{public_url}/profile",
            ),
        ),
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
        *_breach(language, page=f"{public_url}/breaches"),
    ]


def _breach(language: str, *, page: str) -> list[tuple[str, Letter]]:
    controller = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
    first = {language: NoticeWords(happened="...", consequences="...", measures="...", advice="...")}
    later = {language: ReportWords(done="...", advice="...")}
    what = ("contacts.phone", "contacts.email")
    return [
        ("A breach", breach_mail(language, first, what=what, controller=controller, page=page)),
        ("What was done about it", breach_report_mail(language, later, controller=controller, page=page)),
    ]
