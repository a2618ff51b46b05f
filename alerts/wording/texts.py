"""The table that each language fills in."""

from collections.abc import Mapping
from dataclasses import dataclass

from isocket.domain.incidents import Cause, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All words of one language.

    In `alarm` and `within`, what stands in square brackets is left out where the incident has no value. Everything
    that an SMS is made of keeps to the GSM-7 alphabet. `time` may use day, month, month_name, hour and minute.
    """

    decimal_mark: str
    months: tuple[str, ...]
    time: str
    test: str
    sensor: str
    input: str
    alarm: Mapping[Cause, str]
    within: Mapping[Cause, str]  # said in place of `alarm`: inside the limit again, but not by enough to be over
    clear: Mapping[Cause, str]
    unwatched: Mapping[Why, str]  # said in place of `clear`: what was wrong may be so still
    elsewhere: str  # said of a power cut that befell many
    alarm_sms: str
    clear_sms: str
    mail_when: str
    mail_until: str
    mail_code: str
    mail_look: str  # where there is something to do
    mail_see: str
    mail_contacts: str
    mail_acknowledge: str
    mail_account: str
    mail_why: str
    notice_exhausted_subject: str
    notice_exhausted: str
    notice_unanswered_subject: str
    notice_unanswered: str
    notice_stopped_subject: str
    notice_stopped: str
    notice_came_back_subject: str
    notice_came_back: str
    ack_text: str
    ack_button: str
    ack_done: str
    ack_over: str
    stop_title: str
    stop_text: str
    stop_button: str
    stop_done: str
    link_over_title: str
    link_over: str  # for whoever opens the link of an alarm that is gone
