"""What somebody is told who asks for something by right, in every language: who is it, until when, what came of it.

Letters go to whoever typed an address, so the first says the same to everybody and nothing of what we hold.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from isocket.domain.authorities import Authority
from isocket.domain.letters import Letter, letter_from, spoken
from isocket.domain.processing import Office
from isocket.domain.request_words import (
    ANSWERED,
    COMPLAINT,
    COPY,
    ERASURE,
    EXTENDED,
    KINDS,
    LATE,
    NEWSLETTER,
    NO_MORE,
    PAGE,
    RECEIVED,
    REFUSED,
    WHO,
)
from isocket.domain.requests import Right


def who_are_you(language: str, kind: Right, *, link: str) -> Letter:
    """Return the question whether the reader of this mailbox is who asked. It is the same whether we hold anything."""
    return _letter(WHO, language, kind, link=link)


def received(language: str, kind: Right, *, due_at: datetime, office: Office, status: str) -> Letter:
    """Return word that it is known who asks, and until when there will be an answer."""
    return _letter(RECEIVED, language, kind, day=day_of(due_at, office), link=status)


def extended(
    language: str, kind: Right, *, due_at: datetime, office: Office, words: str, authority: Authority
) -> Letter:
    """Return word that it takes longer, why, and that one may complain (Art. 12(3))."""
    letter = _letter(EXTENDED, language, kind, day=day_of(due_at, office), words=words)
    return _with_complaint(letter, language, authority)


def late(language: str, kind: Right, *, due_at: datetime, office: Office, authority: Authority) -> Letter:
    """Return word that the last day is over without an answer, and that one may complain."""
    return _with_complaint(_letter(LATE, language, kind, day=day_of(due_at, office)), language, authority)


def answered(language: str, kind: Right, *, words: str, authority: Authority) -> Letter:
    """Return the answer."""
    return _with_complaint(_letter(ANSWERED, language, kind, words=words), language, authority)


def refused(language: str, kind: Right, *, words: str, authority: Authority) -> Letter:
    """Return the refusal with its reason, and what can be done against it (Art. 12(4))."""
    return _with_complaint(_letter(REFUSED, language, kind, words=words), language, authority)


def copy_is_made(language: str, *, page: str) -> str:
    """Return the answer to whoever has an account and wants a copy: where it is fetched."""
    return COPY[spoken(language)].format(link=page)


def erasure_is_noted(language: str, *, due_at: datetime, office: Office, receipt: str) -> str:
    """Return the answer to whoever has an account and wants to be erased."""
    return ERASURE[spoken(language)].format(day=day_of(due_at, office), link=receipt)


def page_of_your_own(language: str, *, page: str) -> str:
    """Return the answer to whoever is told of alarms: where everything is shown and can be changed."""
    return PAGE[spoken(language)].format(link=page)


def told_no_more(language: str) -> str:
    """Return the answer to somebody who was told of alarms, and objected or was erased."""
    return NO_MORE[spoken(language)]


def newsletter_no_more(language: str) -> str:
    """Return the answer to whoever had nothing but the newsletter, and objected or was erased."""
    return NEWSLETTER[spoken(language)]


def day_of(moment: datetime, office: Office) -> str:
    """Return a day as it is there where requests are answered."""
    return f"{moment.astimezone(ZoneInfo(office.time_zone)):%Y-%m-%d}"


def _letter(letters: Mapping[str, tuple[str, str]], language: str, kind: Right, **said: str) -> Letter:
    return letter_from(letters, language, kind=KINDS[spoken(language)][kind], **said)


def _with_complaint(letter: Letter, language: str, authority: Authority) -> Letter:
    complaint = COMPLAINT[spoken(language)].format(name=authority.name, web=authority.web)
    return Letter(subject=letter.subject, text=f"{letter.text}\n{complaint}")
