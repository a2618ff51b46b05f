"""The letter by which we ask back about a request by right, in every language."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from
from isocket.domain.processing import Controller, Office, to_be_read
from isocket.domain.request_letters import day_of


def question_mail(
    language: str, words: str, *, request_id: str, due_at: datetime, controller: Controller, office: Office
) -> Letter:
    """Return what we ask; whoever asked need not answer, and the time for our answer does not stand still."""
    contact, day = to_be_read(controller.contact), day_of(due_at, office)
    return letter_from(_QUESTION, language, words=words, contact=contact, id=request_id, day=day)


_QUESTION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "A question about your request",
            (
                "So that we can answer your request better, we would like to ask you something:\n\n{words}\n\n"
                "Answer to {contact} and name {id}. Please send no copy of an identity card. You need not answer: you "
                "hear from us by {day} in any case.\n"
            ),
        ),
        "fi": (
            "Kysymys pyynnöstäsi",
            (
                "Jotta voimme vastata pyyntöösi paremmin, haluaisimme kysyä sinulta:\n\n{words}\n\nVastaa osoitteeseen "
                "{contact} ja mainitse {id}. Älä lähetä henkilötodistuksen kopiota. Sinun ei ole pakko vastata: kuulet "
                "meistä joka tapauksessa viimeistään {day}.\n"
            ),
        ),
        "sv": (
            "En fråga om din begäran",
            (
                "För att kunna svara bättre på din begäran vill vi fråga dig:\n\n{words}\n\nSvara till {contact} och "
                "ange {id}. Skicka ingen kopia av en legitimation. Du behöver inte svara: du hör från oss senast {day} "
                "i alla fall.\n"
            ),
        ),
        "de": (
            "Eine Frage zu Ihrer Anfrage",
            (
                "Damit wir Ihre Anfrage besser beantworten können, möchten wir Sie etwas fragen:\n\n{words}\n\n"
                "Antworten Sie an {contact} und nennen Sie {id}. Bitte senden Sie keine Kopie eines Ausweises. Sie "
                "müssen nicht antworten: Bis {day} hören Sie in jedem Fall von uns.\n"
            ),
        ),
        "nb": (
            "Et spørsmål om forespørselen din",
            (
                "For å kunne svare bedre på forespørselen din vil vi gjerne spørre deg:\n\n{words}\n\nSvar til "
                "{contact} og oppgi {id}. Ikke send kopi av legitimasjon. Du trenger ikke å svare: du hører fra oss "
                "senest {day} uansett.\n"
            ),
        ),
    }
)
