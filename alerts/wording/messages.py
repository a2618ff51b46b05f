"""Whole messages about an incident: the SMS in one segment, the e-mail, and notices to the account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from alerts.channels.gsm7 import SEGMENT_SEPTETS, septets
from alerts.wording.phrases import BRACKETS, local_time, mail_name, sms_name, what, words
from alerts.wording.texts import Texts
from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.incidents import Incident, moment_told

NAME_SEPTETS = 40
_LEAST_NAME_SEPTETS = 12  # "iSocket 9999"
_END_OF_HTML = "</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a message is written."""

    language: str
    time_zone: str

    @classmethod
    def of(cls, person: Account | Contact) -> "Reader":
        """Return the reader that a contact is, or the holder of an account."""
        return cls(language=person.language, time_zone=person.time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message in words: `subject` is empty and `html` None for an SMS."""

    subject: str = ""
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a message tells: the incident, and what its socket and its probe are called by their owner.

    `device_number`: which of its owner's the socket is. It is told where the socket has no name that can be.
    `is_within`: the incident's value is inside the limit again, but not by enough to be over.
    """

    incident: Incident
    device_name: str | None
    device_number: int | None = None
    probe_name: str | None = None
    is_within: bool = False

    @property
    def where(self) -> str:
        """Return what the socket is called, for whatever has room."""
        return mail_name(self.device_name, self.device_number)

    def where_within(self, room: int) -> str:
        """Return what the socket is called in a text message, in at most `room` septets."""
        return sms_name(self.device_name, room, self.device_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A link, and before it what it leads to."""

    leads_to: str
    link: str


def alarm_text(story: Story, reader: Reader) -> Words:
    """Return the SMS that something is wrong: one GSM-7 segment whatever the names are."""
    texts = words(reader.language)
    return _sms(texts.alarm_sms, story, reader, at=moment_told(story.incident), clear=False)


def clear_text(story: Story, reader: Reader) -> Words:
    """Return the SMS that it is over: one GSM-7 segment whatever the names are."""
    texts = words(reader.language)
    at = story.incident.closed_at or story.incident.opened_at
    return _sms(texts.clear_sms, story, reader, at=at, clear=True)


def alarm_mail(story: Story, reader: Reader, *, link: str, public_url: str) -> Words:
    """Return the e-mail that something is wrong, with the reader's own link to a page that has a button."""
    texts, code = words(reader.language), story.incident.short_code
    return _mail(
        headline(story, reader),
        [*times(story, reader), *([f"{texts.mail_code}: {code}"] if code else [])],
        texts.mail_look,
        link,
        [texts.mail_acknowledge, _with_account(texts, public_url, story.incident), texts.mail_why],
    )


def clear_mail(story: Story, reader: Reader, *, link: str, public_url: str) -> Words:
    """Return the e-mail that it is over."""
    texts = words(reader.language)
    footer: list[str | _Place] = [_with_account(texts, public_url, story.incident), texts.mail_why]
    said = times(story, reader, clear=True)
    return _mail(headline(story, reader, clear=True), said, texts.mail_see, link, footer)


def times(story: Story, reader: Reader, *, clear: bool = False) -> list[str]:
    """Return since when it lasts, where the reader is; where it no longer does, until when it did as well."""
    texts, incident = words(reader.language), story.incident
    moments = [(texts.mail_when, incident.opened_at)]
    if clear and incident.closed_at is not None:
        moments.append((texts.mail_until, incident.closed_at))
    return [f"{name}: {local_time(texts, at, reader.time_zone)}" for name, at in moments]


def short_message(pattern: str, story: Story, reader: Reader) -> Words:
    """Return an SMS about an incident; what stands in square brackets is left out where it has no code."""
    code = story.incident.short_code
    said = BRACKETS.sub(lambda found: found.group(1) if code else "", pattern)
    return _one_segment(said, story, reader, at=moment_told(story.incident), clear=False)


def headline(story: Story, reader: Reader, *, clear: bool = False) -> str:
    """Return in one line what is wrong, or that it no longer is, and where."""
    texts = words(reader.language)
    said = what(texts, story.incident, clear=clear, label=story.probe_name, is_within=story.is_within)
    return f"{texts.test if story.incident.test else ''}{story.where}: {said}"


def linked_mail(
    subject: str, facts: Sequence[str], story: Story, reader: Reader, *, link: str, public_url: str, look: str = ""
) -> Words:
    """Return an e-mail about an incident that begins its subject with `subject` and says `facts` of it.

    `look` says what its link leads to, where that is more than to see what is known.
    """
    texts = words(reader.language)
    footer: list[str | _Place] = [_with_account(texts, public_url, story.incident), texts.mail_why]
    said = [*facts, *times(story, reader)]
    mail = _mail(headline(story, reader), said, look or texts.mail_see, link, footer)
    return replace(mail, subject=f"{subject}{mail.subject}")


def signed(mail: Words, sender: str) -> Words:
    """Return an e-mail with its last line: who answers for it, and where they are reached."""
    if not sender or mail.html is None:
        return mail
    html = f"{mail.html.removesuffix(_END_OF_HTML)}<p>{escape(sender)}</p>{_END_OF_HTML}"
    return replace(mail, text=f"{mail.text}{sender}\n", html=html)


def exhausted_notice(story: Story, reader: Reader, *, public_url: str) -> Words:
    """Return the notice to the account that nobody could be told of an alarm."""
    texts = words(reader.language)
    return _notice(texts.notice_exhausted_subject, texts.notice_exhausted, story, reader, public_url)


def unanswered_notice(story: Story, reader: Reader, *, public_url: str) -> Words:
    """Return the notice to the account that people were told of an alarm and nobody acknowledged it."""
    texts = words(reader.language)
    return _notice(texts.notice_unanswered_subject, texts.notice_unanswered, story, reader, public_url)


def stopped_notice(reader: Reader, *, public_url: str) -> Words:
    """Return the notice to the account that one of its contacts wants no more messages. It names nobody."""
    texts = words(reader.language)
    text = f"{texts.notice_stopped}\n\n{to_contacts(reader, public_url)}\n"
    return Words(subject=texts.notice_stopped_subject, text=text)


def came_back_notice(reader: Reader, *, public_url: str) -> Words:
    """Return the notice to the account that one of its contacts wants messages again. It names nobody."""
    texts = words(reader.language)
    text = f"{texts.notice_came_back}\n\n{to_contacts(reader, public_url)}\n"
    return Words(subject=texts.notice_came_back_subject, text=text)


def to_contacts(reader: Reader, public_url: str) -> str:
    """Return the link to the contacts of the account, and before it what it leads to."""
    return f"{words(reader.language).mail_contacts}:\n{public_url.rstrip('/')}/contacts"


def _notice(subject: str, pattern: str, story: Story, reader: Reader, public_url: str) -> Words:
    texts = words(reader.language)
    sentence = pattern.format(
        name=story.where,
        what=what(texts, story.incident, clear=False, label=story.probe_name, is_within=story.is_within),
        time=local_time(texts, moment_told(story.incident), reader.time_zone),
    )
    return Words(subject=subject, text=f"{sentence}\n\n{texts.mail_see}:\n{_link(public_url, story.incident)}\n")


def _with_account(texts: Texts, public_url: str, incident: Incident) -> _Place:
    return _Place(leads_to=texts.mail_account, link=_link(public_url, incident))


def _sms(pattern: str, story: Story, reader: Reader, *, at: datetime, clear: bool) -> Words:
    if not story.incident.short_code:  # an incident without a code cannot be named in a reply
        pattern = pattern.partition(". ")[0]
    return _one_segment(pattern, story, reader, at=at, clear=clear)


def _one_segment(pattern: str, story: Story, reader: Reader, *, at: datetime, clear: bool) -> Words:
    texts, code = words(reader.language), story.incident.short_code
    said = what(texts, story.incident, clear=clear, label=story.probe_name, is_within=story.is_within)
    rest = {"what": said, "time": local_time(texts, at, reader.time_zone), "code": code}
    prefix = texts.test if story.incident.test else ""
    used = septets(prefix + pattern.format(name="", **rest))
    room = max(_LEAST_NAME_SEPTETS, min(NAME_SEPTETS, SEGMENT_SEPTETS - used))
    return Words(text=prefix + pattern.format(name=story.where_within(room), **rest))


def _link(public_url: str, incident: Incident) -> str:
    return f"{public_url.rstrip('/')}/incidents/{incident.id}"


def _mail(headline: str, facts: Sequence[str], look: str, link: str, footer: Sequence[str | _Place]) -> Words:
    under = [f"{each.leads_to}: {each.link}" if isinstance(each, _Place) else each for each in footer]
    lines = [f"{headline}.", *facts, "", f"{look}:", link, "", *under]
    shown = "<br>".join(escape(fact) for fact in facts)
    html = (
        f"<!DOCTYPE html><html><body><p><strong>{escape(headline)}</strong></p><p>{shown}</p>"
        + "".join(f"<p>{_in_html(each)}</p>" for each in (_Place(leads_to=look, link=link), *footer))
        + _END_OF_HTML
    )
    return Words(subject=headline, text="\n".join(lines) + "\n", html=html)


def _in_html(line: str | _Place) -> str:
    if isinstance(line, str):
        return escape(line)
    return f'{escape(line.leads_to)}: <a href="{escape(line.link)}">{escape(line.link)}</a>'
