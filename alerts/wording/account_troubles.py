"""Word to the owner that nobody can be told, or that messages do not arrive; and of alarms that reached nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alerts.channels.gsm7 import SEGMENT_SEPTETS, septets, to_gsm7
from alerts.wording.messages import Reader, Story, Words, to_contacts
from alerts.wording.phrases import cut, local_time, what, words
from isocket.domain.incidents import Cause
from isocket.domain.letters import spoken

_MOST_NUMBER = 99  # of alarms that are counted in a text message
_LEAST_NAME_SEPTETS = 12  # "iSocket 9999"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    whole_account: str
    no_recipient: str
    delivery_broken: str
    unheard: str  # an SMS: keeps to the GSM-7 alphabet


def trouble_notice(story: Story, reader: Reader, *, public_url: str) -> Words:
    """Return the mail to the owner about an incident that tells of the people of the account, not of a socket."""
    said, texts, incident = _SAID[spoken(reader.language)], words(reader.language), story.incident
    phrase = what(texts, incident, clear=False, label=None)
    where = story.where if incident.device_id else said.whole_account
    advice = said.no_recipient if incident.cause is Cause.NO_RECIPIENT else said.delivery_broken
    link = to_contacts(reader, public_url)
    return Words(subject=f"iSocket: {phrase}", text=f"{where}: {phrase}.\n\n{advice}\n\n{link}\n")


def unheard_sentence(story: Story, reader: Reader, *, number: int) -> str:
    """Return the text that says how many alarms nobody answered, and which was the last: one GSM-7 segment."""
    said, texts = _SAID[spoken(reader.language)], words(reader.language)
    rest = {
        "number": min(number, _MOST_NUMBER),
        "what": to_gsm7(what(texts, story.incident, clear=False, label=story.probe_name, is_within=story.is_within)),
        "time": local_time(texts, story.incident.opened_at, reader.time_zone),
    }
    used = septets(said.unheard.format(name="", **rest))
    name = story.where_within(max(_LEAST_NAME_SEPTETS, SEGMENT_SEPTETS - used))
    return cut(said.unheard.format(name=name, **rest), SEGMENT_SEPTETS)


_SAID: Mapping[str, _Said] = MappingProxyType(
    {
        "en": _Said(
            whole_account="Your account",
            no_recipient="None of the contacts who are to be told has a verified address by which an alarm could go "
            "out now. Until that changes, nobody hears of an alarm. Please look at your contacts.",
            delivery_broken="The last messages to your contacts failed, whichever way they went. Please check that "
            "numbers and addresses are right, and send a test alarm.",
            unheard="Alarms that nobody answered: {number}. Last: {name}: {what}, {time}",
        ),
        "fi": _Said(
            whole_account="Tilisi",
            no_recipient="Yhdelläkään hälytettävistä yhteyshenkilöistä ei ole vahvistettua osoitetta, johon hälytys "
            "voisi nyt lähteä. Siihen asti kukaan ei saa tietää hälytyksestä. Tarkista yhteyshenkilösi.",
            delivery_broken="Viimeisimmät viestit yhteyshenkilöillesi eivät menneet perille millään tavalla. Tarkista, "
            "ovatko numerot ja osoitteet oikein, ja lähetä koehälytys.",
            unheard="Hälytyksiä, joihin kukaan ei vastannut: {number}. Viimeisin: {name}: {what}, {time}",
        ),
        "sv": _Said(
            whole_account="Ditt konto",
            no_recipient="Ingen av de kontakter som ska larmas har en bekräftad adress som ett larm kan gå till nu. "
            "Tills det ändras får ingen veta om ett larm. Se över dina kontakter.",
            delivery_broken="De senaste meddelandena till dina kontakter kom inte fram på något sätt. Se efter om "
            "nummer och adresser stämmer, och skicka ett provlarm.",
            unheard="Larm som ingen svarade på: {number}. Senast: {name}: {what}, {time}",
        ),
        "de": _Said(
            whole_account="Ihr Konto",
            no_recipient="Keiner der Kontakte, die alarmiert werden sollen, hat eine bestätigte Adresse, an die ein "
            "Alarm jetzt gehen könnte. Bis sich das ändert, erfährt niemand von einem Alarm. Bitte sehen Sie Ihre "
            "Kontakte durch.",
            delivery_broken="Die letzten Nachrichten an Ihre Kontakte sind auf allen Wegen gescheitert. Bitte prüfen "
            "Sie Nummern und Adressen, und lösen Sie einen Probealarm aus.",
            unheard="Alarme, auf die niemand reagierte: {number}. Zuletzt: {name}: {what}, {time}",
        ),
        "nb": _Said(
            whole_account="Kontoen din",
            no_recipient="Ingen av kontaktene som skal varsles, har en bekreftet adresse som en alarm kan gå til nå. "
            "Inntil det endres, får ingen vite om en alarm. Se over kontaktene dine.",
            delivery_broken="De siste meldingene til kontaktene dine kom ikke fram på noen måte. Se om numre og "
            "adresser stemmer, og send en prøvealarm.",
            unheard="Alarmer som ingen svarte på: {number}. Sist: {name}: {what}, {time}",
        ),
    }
)
