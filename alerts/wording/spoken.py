"""What a call says, in each language: an alarm to be heard at once, what the keys do, and how it ends.

What is wrong is told in the words of the text message, with its signs spoken out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from alerts.wording.messages import Reader, Story, Words
from alerts.wording.phrases import local_time, what, words
from isocket.domain.incidents import moment_told
from isocket.domain.letters import spoken

_DEGREES = re.compile(r"(-?)(\d[\d.,]*) C\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """All that is only ever spoken, in one language, and who speaks it: names as Twilio has them.

    `time` may use day, month, month_name, hour and minute; the degrees of a temperature are written out.
    """

    tag: str
    voice: str
    months: tuple[str, ...]
    time: str
    minus: str
    degree: str
    degrees: str
    test: str
    alarm: str
    clear: str
    keys: str
    code_keys: str
    yours: str
    taken: str
    over: str
    unanswered: str
    stop_asked: str
    stopped: str
    nothing: str


def speech_of(language: str) -> Speech:
    """Return the speech that serves a listener of `language`."""
    return _SPEECH[spoken(language)]


def alarm_call(story: Story, reader: Reader) -> Words:
    """Return what a call says of something wrong, without the keys; it is said when somebody answers."""
    speech = speech_of(reader.language)
    return _said(speech.alarm, speech, story, reader, clear=False)


def clear_call(story: Story, reader: Reader) -> Words:
    """Return what a call says of the end."""
    speech = speech_of(reader.language)
    return _said(speech.clear, speech, story, reader, clear=True)


def _said(pattern: str, speech: Speech, story: Story, reader: Reader, *, clear: bool) -> Words:
    incident, texts = story.incident, words(reader.language)
    at = (incident.closed_at if clear else None) or moment_told(incident)
    sentence = pattern.format(
        name=story.where,
        what=_aloud(what(texts, incident, clear=clear, label=story.probe_name, is_within=story.is_within), speech),
        time=local_time(replace(texts, time=speech.time, months=speech.months), at, reader.time_zone),
    )
    return Words(text=(speech.test if incident.test else "") + sentence)


def _aloud(phrase: str, speech: Speech) -> str:
    """Return a phrase with its signs written out, which voices read in ways of their own."""

    def degrees(found: re.Match[str]) -> str:
        sign = f"{speech.minus} " if found.group(1) else ""
        number = found.group(2)
        return f"{sign}{number} {speech.degree if number == '1' else speech.degrees}"

    return _DEGREES.sub(degrees, phrase)


_ENGLISH = Speech(
    tag="en-GB",
    voice="Polly.Amy-Neural",
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    time="at {hour}:{minute:02} on {day} {month_name}",
    minus="minus",
    degree="degree",
    degrees="degrees",
    test="This is a test. ",
    alarm="An alarm from iSocket. {name}: {what}, {time}.",
    clear="A message from iSocket. {name}: {what}, {time}.",
    keys="Press 1 if you take care of it. Press 4 to hear this again. "
    "Press 9 if you want no more messages and calls.",
    code_keys="Press 9 if you want no more messages and calls.",
    yours="Thank you. This alarm is yours now. Nobody else is called.",
    taken="Somebody else has taken this alarm already. Goodbye.",
    over="This is over already. Goodbye.",
    unanswered="The alarm is not confirmed. We go on trying to reach somebody. Goodbye.",
    stop_asked="If you want no more messages and calls, press 9 once more.",
    stopped="You get no more messages and calls. The owner is told. Goodbye.",
    nothing="There is no message for you. Goodbye.",
)  # fmt: skip
_FINNISH = Speech(
    tag="fi-FI",
    voice="Polly.Suvi-Neural",
    months=(
        "tammikuuta", "helmikuuta", "maaliskuuta", "huhtikuuta", "toukokuuta", "kesäkuuta",
        "heinäkuuta", "elokuuta", "syyskuuta", "lokakuuta", "marraskuuta", "joulukuuta",
    ),
    time="kello {hour}.{minute:02}, {day}. {month_name}",
    minus="miinus",
    degree="aste",
    degrees="astetta",
    test="Tämä on testi. ",
    alarm="Hälytys iSocketilta. {name}: {what}, {time}.",
    clear="Viesti iSocketilta. {name}: {what}, {time}.",
    keys="Paina numeroa 1, jos otat asian hoitaaksesi. Paina numeroa 4, jos haluat kuulla viestin uudelleen. "
    "Paina numeroa 9, jos et halua enää viestejä ja puheluita.",
    code_keys="Paina numeroa 9, jos et halua enää viestejä ja puheluita.",
    yours="Kiitos. Hälytys on nyt sinun hoidossasi. Muille ei enää soiteta.",
    taken="Joku muu on jo ottanut hälytyksen hoitaakseen. Kuulemiin.",
    over="Tämä on jo ohi. Kuulemiin.",
    unanswered="Hälytystä ei kuitattu. Yritämme yhä tavoittaa jonkun. Kuulemiin.",
    stop_asked="Jos et halua enää viestejä ja puheluita, paina numeroa 9 vielä kerran.",
    stopped="Et saa enää viestejä etkä puheluita. Omistajalle kerrotaan tästä. Kuulemiin.",
    nothing="Sinulle ei ole viestiä. Kuulemiin.",
)  # fmt: skip
_SWEDISH = Speech(
    tag="sv-SE",
    voice="Polly.Elin-Neural",
    months=(
        "januari", "februari", "mars", "april", "maj", "juni",
        "juli", "augusti", "september", "oktober", "november", "december",
    ),
    time="klockan {hour}.{minute:02} den {day} {month_name}",
    minus="minus",
    degree="grad",
    degrees="grader",
    test="Detta är ett test. ",
    alarm="Larm från iSocket. {name}: {what}, {time}.",
    clear="Meddelande från iSocket. {name}: {what}, {time}.",
    keys="Tryck 1 om du tar hand om det. Tryck 4 för att höra det igen. "
    "Tryck 9 om du inte vill ha fler meddelanden och samtal.",
    code_keys="Tryck 9 om du inte vill ha fler meddelanden och samtal.",
    yours="Tack. Nu tar du hand om larmet. Ingen annan blir uppringd.",
    taken="Någon annan tar redan hand om larmet. Hej då.",
    over="Det är redan över. Hej då.",
    unanswered="Larmet är inte kvitterat. Vi fortsätter att försöka nå någon. Hej då.",
    stop_asked="Om du inte vill ha fler meddelanden och samtal, tryck 9 en gång till.",
    stopped="Du får inga fler meddelanden och samtal. Ägaren får veta det. Hej då.",
    nothing="Det finns inget meddelande till dig. Hej då.",
)  # fmt: skip
_GERMAN = Speech(
    tag="de-DE",
    voice="Polly.Vicki-Neural",
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
    time="um {hour}:{minute:02} Uhr am {day}. {month_name}",
    minus="minus",
    degree="Grad",
    degrees="Grad",
    test="Dies ist ein Test. ",
    alarm="Ein Alarm von iSocket. {name}: {what}, {time}.",
    clear="Eine Nachricht von iSocket. {name}: {what}, {time}.",
    keys="Drücken Sie die 1, wenn Sie sich darum kümmern. Drücken Sie die 4, um es noch einmal zu hören. "
    "Drücken Sie die 9, wenn Sie keine Nachrichten und Anrufe mehr wünschen.",
    code_keys="Drücken Sie die 9, wenn Sie keine Nachrichten und Anrufe mehr wünschen.",
    yours="Danke. Sie kümmern sich jetzt um diesen Alarm. Niemand sonst wird angerufen.",
    taken="Jemand anderes kümmert sich bereits um diesen Alarm. Auf Wiederhören.",
    over="Es ist bereits vorbei. Auf Wiederhören.",
    unanswered="Der Alarm ist nicht bestätigt. Wir versuchen weiter, jemanden zu erreichen. Auf Wiederhören.",
    stop_asked="Wenn Sie keine Nachrichten und Anrufe mehr wünschen, drücken Sie noch einmal die 9.",
    stopped="Sie bekommen keine Nachrichten und Anrufe mehr. Der Besitzer erfährt davon. Auf Wiederhören.",
    nothing="Es gibt keine Nachricht für Sie. Auf Wiederhören.",
)  # fmt: skip
_NORWEGIAN = Speech(
    tag="nb-NO",
    voice="Polly.Ida-Neural",
    months=(
        "januar", "februar", "mars", "april", "mai", "juni",
        "juli", "august", "september", "oktober", "november", "desember",
    ),
    time="klokken {hour}.{minute:02} den {day}. {month_name}",
    minus="minus",
    degree="grad",
    degrees="grader",
    test="Dette er en test. ",
    alarm="Alarm fra iSocket. {name}: {what}, {time}.",
    clear="Melding fra iSocket. {name}: {what}, {time}.",
    keys="Trykk 1 hvis du tar deg av det. Trykk 4 for å høre det igjen. "
    "Trykk 9 hvis du ikke vil ha flere meldinger og anrop.",
    code_keys="Trykk 9 hvis du ikke vil ha flere meldinger og anrop.",
    yours="Takk. Nå tar du deg av alarmen. Ingen andre blir oppringt.",
    taken="Noen andre tar seg allerede av alarmen. Ha det bra.",
    over="Det er allerede over. Ha det bra.",
    unanswered="Alarmen er ikke bekreftet. Vi fortsetter å prøve å nå noen. Ha det bra.",
    stop_asked="Hvis du ikke vil ha flere meldinger og anrop, trykk 9 en gang til.",
    stopped="Du får ingen flere meldinger og anrop. Eieren får vite det. Ha det bra.",
    nothing="Det er ingen melding til deg. Ha det bra.",
)  # fmt: skip

_SPEECH: Mapping[str, Speech] = MappingProxyType(
    {"en": _ENGLISH, "fi": _FINNISH, "sv": _SWEDISH, "de": _GERMAN, "nb": _NORWEGIAN}
)
