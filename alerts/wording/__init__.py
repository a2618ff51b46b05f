"""What messages about incidents say, in each language: tables of words, and how they become a text."""

from alerts.wording.messages import (
    Reader,
    Story,
    Words,
    alarm_mail,
    alarm_text,
    came_back_notice,
    clear_mail,
    clear_text,
    exhausted_notice,
    signed,
    stopped_notice,
    unanswered_notice,
)
from alerts.wording.pages import incident_page, link_over_page, stop_page, stopped_page

__all__ = [
    "Reader",
    "Story",
    "Words",
    "alarm_mail",
    "alarm_text",
    "came_back_notice",
    "clear_mail",
    "clear_text",
    "exhausted_notice",
    "incident_page",
    "link_over_page",
    "signed",
    "stop_page",
    "stopped_notice",
    "stopped_page",
    "unanswered_notice",
]
