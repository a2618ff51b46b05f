"""What browsers and programs are told about an incident, in every language."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from urllib.parse import urlsplit

from alerts.links import INCIDENT_PATH, incident_url
from alerts.wording.messages import Reader, Story, Words, headline, times
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.endpoint_letters import Take, push_body, webhook_body
from isocket.domain.letters import spoken
from isocket.kit.clock import to_text

WEBHOOK_TYPES: Mapping[DeliveryKind, str] = MappingProxyType(
    {
        DeliveryKind.ALARM: "incident.alarm",
        DeliveryKind.CLEAR: "incident.clear",
        DeliveryKind.TAKEN: "incident.taken",
        DeliveryKind.REMINDER: "incident.reminder",
    }
)
_ASKS = frozenset({DeliveryKind.ALARM, DeliveryKind.REMINDER})  # whose reader is asked to take it, or still to be on it


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointWords:
    """The words of one language that only browsers need."""

    take: str
    taken: str
    over: str
    failed: str
    offer: str
    offer_button: str
    offer_done: str
    offer_refused: str
    offer_failed: str
    gone_subject: str
    gone_push: str
    gone_webhook: str


def push_text(story: Story, reader: Reader, kind: DeliveryKind, *, token: str, public_url: str, said: str = "") -> str:
    """Return the notification about an incident; `said` stands in the place of the time where it is given."""
    clear = kind is DeliveryKind.CLEAR
    own = endpoint_words(reader.language)
    return push_body(
        title=headline(story, reader, clear=clear),
        body=said or ". ".join(times(story, reader, clear=clear)),
        language=reader.language,
        tag=story.incident.id,
        token=token,
        opens=f"{urlsplit(public_url).path.rstrip('/')}{INCIDENT_PATH}/{token}",
        take=Take(label=own.take, done=own.taken, over=own.over, failed=own.failed) if kind in _ASKS else None,
    )


def webhook_text(
    story: Story, reader: Reader, kind: DeliveryKind, *, message_id: str, token: str, public_url: str, said: str = ""
) -> str:
    """Return the message to a program about an incident, with the address by which it may acknowledge."""
    incident, clear = story.incident, kind is DeliveryKind.CLEAR
    links = {"incident": f"{public_url.rstrip('/')}/incidents/{incident.id}"}
    if kind in _ASKS:
        links["acknowledge"] = incident_url(public_url, token)
    title = headline(story, reader, clear=clear)
    return webhook_body(
        WEBHOOK_TYPES[kind],
        message_id,
        incident.closed_at if clear and incident.closed_at else incident.detected_at,
        test=incident.test,
        incident={
            "id": incident.id,
            "cause": incident.cause.value,
            "severity": incident.severity.value,
            "state": incident.state.value,
            "opened_at": to_text(incident.opened_at),
            "closed_at": None if incident.closed_at is None else to_text(incident.closed_at),
            "value": incident.value,
            "probe": incident.probe,
        },
        device={"name": story.where},
        text=f"{title}. {said}" if said else title,
        links=links,
    )


def push_offer(reader: Reader, *, posts_to: str, key: str) -> str:
    """Return, in HTML, the offer to show alarms on this device: hidden, until our script finds that it can."""
    own = endpoint_words(reader.language)
    given = {
        "data-push": posts_to,
        "data-push-key": key,
        "data-push-done": own.offer_done,
        "data-push-refused": own.offer_refused,
        "data-push-failed": own.offer_failed,
    }
    said = " ".join(f'{name}="{escape(value)}"' for name, value in given.items())
    return (
        f"<section {said} hidden><p>{escape(own.offer)}</p>"
        f'<p><button type="button">{escape(own.offer_button)}</button></p>'
        '<p role="status" data-push-said></p></section>'
    )


def gone_notice(kind: ChannelKind, reader: Reader, *, link: str | None) -> Words:
    """Return the notice that a browser or a program of a contact gets no alarms any more.

    `link` leads to where it can be added again; None for a reader without an account.
    """
    own = endpoint_words(reader.language)
    text = own.gone_push if kind is ChannelKind.PUSH else own.gone_webhook
    return Words(subject=own.gone_subject, text=f"{text}\n\n{link}\n" if link else f"{text}\n")


def endpoint_words(language: str) -> EndpointWords:
    """Return the words of the language that serves a reader of `language`."""
    return _WORDS[spoken(language)]


_WORDS: Mapping[str, EndpointWords] = MappingProxyType(
    {
        "en": EndpointWords(
            take="I'll take it",
            taken="You have taken it. The others are told no more.",
            over="This was over or taken already.",
            failed="That did not work. Press here to open the page.",
            offer="This device can show the next alarms by itself.",
            offer_button="Show alarms on this device",
            offer_done="A notification should appear now. When it has, alarms are shown here.",
            offer_refused="This browser does not allow notifications from us.",
            offer_failed="That did not work. Please try again later.",
            gone_subject="A device gets no alarms any more",
            gone_push="A device on which you or one of your contacts wanted to see alarms has withdrawn. Alarms are "
            "not shown there any more. To have them shown again, add the device again.",
            gone_webhook="A program to which alarms of yours were sent has said that it wants no more. Nothing is sent "
            "to it any more.",
        ),
        "fi": EndpointWords(
            take="Hoidan tämän",
            taken="Otit tämän hoitaaksesi. Muille ei enää ilmoiteta.",
            over="Tämä oli jo ohi tai jonkun hoidossa.",
            failed="Se ei onnistunut. Avaa sivu painamalla tästä.",
            offer="Tämä laite voi näyttää seuraavat hälytykset itse.",
            offer_button="Näytä hälytykset tällä laitteella",
            offer_done="Nyt pitäisi näkyä ilmoitus. Kun se on näkynyt, hälytykset näytetään täällä.",
            offer_refused="Tämä selain ei salli ilmoituksiamme.",
            offer_failed="Se ei onnistunut. Yritä myöhemmin uudelleen.",
            gone_subject="Laite ei enää saa hälytyksiä",
            gone_push="Laite, jolla sinä tai yhteyshenkilösi halusi nähdä hälytykset, on poistunut. Hälytyksiä ei enää "
            "näytetä siinä. Jos haluat ne takaisin, lisää laite uudelleen.",
            gone_webhook="Ohjelma, johon hälytyksiäsi lähetettiin, on ilmoittanut, ettei se halua niitä enää. Sinne "
            "ei enää lähetetä mitään.",
        ),
        "sv": EndpointWords(
            take="Jag tar det",
            taken="Du har tagit det. De andra meddelas inte mer.",
            over="Det var redan över eller taget.",
            failed="Det gick inte. Tryck här för att öppna sidan.",
            offer="Den här enheten kan själv visa nästa larm.",
            offer_button="Visa larm på den här enheten",
            offer_done="Nu bör en avisering visas. När den har gjort det visas larm här.",
            offer_refused="Den här webbläsaren tillåter inte våra aviseringar.",
            offer_failed="Det gick inte. Försök igen senare.",
            gone_subject="En enhet får inga larm längre",
            gone_push="En enhet där du eller en av dina kontakter ville se larm har dragit sig ur. Larm visas inte "
            "längre där. Lägg till enheten igen för att få dem tillbaka.",
            gone_webhook="Ett program som fick dina larm har sagt att det inte vill ha fler. Ingenting skickas dit "
            "längre.",
        ),
        "de": EndpointWords(
            take="Ich kümmere mich",
            taken="Sie kümmern sich darum. Die anderen werden nicht weiter benachrichtigt.",
            over="Das war bereits vorbei oder übernommen.",
            failed="Das ging nicht. Hier drücken, um die Seite zu öffnen.",
            offer="Dieses Gerät kann die nächsten Alarme selbst anzeigen.",
            offer_button="Alarme auf diesem Gerät anzeigen",
            offer_done="Jetzt sollte eine Mitteilung erscheinen. Danach werden Alarme hier angezeigt.",
            offer_refused="Dieser Browser erlaubt unsere Mitteilungen nicht.",
            offer_failed="Das ging nicht. Bitte später noch einmal versuchen.",
            gone_subject="Ein Gerät erhält keine Alarme mehr",
            gone_push="Ein Gerät, auf dem Sie oder einer Ihrer Kontakte Alarme sehen wollte, hat sich abgemeldet. Dort "
            "werden keine Alarme mehr angezeigt. Um sie wieder zu erhalten, fügen Sie das Gerät erneut hinzu.",
            gone_webhook="Ein Programm, das Ihre Alarme erhielt, hat mitgeteilt, dass es keine mehr will. Dorthin wird "
            "nichts mehr gesendet.",
        ),
        "nb": EndpointWords(
            take="Jeg tar det",
            taken="Du har tatt det. De andre varsles ikke mer.",
            over="Dette var allerede over eller tatt.",
            failed="Det gikk ikke. Trykk her for å åpne siden.",
            offer="Denne enheten kan selv vise de neste alarmene.",
            offer_button="Vis alarmer på denne enheten",
            offer_done="Nå skal et varsel komme til syne. Når det har gjort det, vises alarmer her.",
            offer_refused="Denne nettleseren tillater ikke varslene våre.",
            offer_failed="Det gikk ikke. Prøv igjen senere.",
            gone_subject="En enhet får ikke alarmer lenger",
            gone_push="En enhet der du eller en av kontaktene dine ville se alarmer, har trukket seg. Alarmer vises "
            "ikke lenger der. Legg til enheten på nytt for å få dem tilbake.",
            gone_webhook="Et program som fikk alarmene dine, har sagt at det ikke vil ha flere. Ingenting sendes dit "
            "lenger.",
        ),
    }
)
