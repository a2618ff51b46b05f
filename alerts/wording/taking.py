"""Who has taken an alarm: word to the others, the question whether somebody still is on it, answers to texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from alerts.channels.gsm7 import fits_one_segment
from alerts.wording.messages import Reader, Story, Words, headline, linked_mail, short_message
from isocket.domain.letters import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """All words about taking an alarm in one language; whatever ends in `sms` or `reply` keeps to GSM-7."""

    taken_sms: str
    taken_subject: str
    taken: str
    still_sms: str
    still_subject: str
    still: str
    still_look: str
    still_page: str
    still_button: str
    done_reply: str
    still_reply: str
    already_reply: str
    over_reply: str
    unknown_reply: str
    nothing_reply: str
    stopped_reply: str
    started_reply: str
    still_stopped_reply: str


def taken_text(story: Story, reader: Reader) -> Words:
    """Return the SMS that somebody else has taken it. It names nobody."""
    return short_message(_words(reader).taken_sms, story, reader)


def taken_mail(story: Story, reader: Reader, *, link: str, public_url: str) -> Words:
    """Return the e-mail that somebody else has taken it. It names nobody."""
    said = _words(reader)
    return linked_mail(said.taken_subject, [said.taken], story, reader, link=link, public_url=public_url)


def taken_sentence(reader: Reader) -> str:
    """Return in one sentence that somebody else has taken it."""
    return _words(reader).taken


def still_sentence(reader: Reader, *, minutes: int) -> str:
    """Return in one sentence the question whether its reader still is on it."""
    return _words(reader).still.format(minutes=minutes)


def still_text(story: Story, reader: Reader) -> Words:
    """Return the SMS that asks whether its reader still is on it."""
    return short_message(_words(reader).still_sms, story, reader)


def still_mail(story: Story, reader: Reader, *, minutes: int, link: str, public_url: str) -> Words:
    """Return the e-mail that asks whether its reader still is on it; `minutes` is how long they have to answer."""
    said = _words(reader)
    facts = [said.still.format(minutes=minutes)]
    return linked_mail(said.still_subject, facts, story, reader, look=said.still_look, link=link, public_url=public_url)


def still_notice(story: Story, reader: Reader, *, minutes: int, public_url: str) -> Words:
    """Return the question for somebody who took it in their account and is none of its contacts."""
    said = _words(reader)
    link = f"{public_url.rstrip('/')}/incidents/{story.incident.id}"
    text = f"{headline(story, reader)}.\n\n{said.still.format(minutes=minutes)}\n\n{said.still_look}:\n{link}\n"
    return Words(subject=f"{said.still_subject}{headline(story, reader)}", text=text)


def done_reply(story: Story, reader: Reader) -> str:
    """Return the answer to whoever has just taken it."""
    return short_message(_words(reader).done_reply, story, reader).text


def still_reply(story: Story, reader: Reader) -> str:
    """Return the answer to whoever says that they still are on it."""
    return short_message(_words(reader).still_reply, story, reader).text


def already_reply(story: Story, reader: Reader) -> str:
    """Return the answer to whoever would take what is taken."""
    return short_message(_words(reader).already_reply, story, reader).text


def over_reply(story: Story, reader: Reader) -> str:
    """Return the answer to whoever would take what is over."""
    return short_message(_words(reader).over_reply, story, reader).text


def unknown_reply(language: str, codes: Sequence[str]) -> str:
    """Return the answer to a text that names none of its sender's open alarms, which are listed as far as they fit."""
    pattern = TAKING[spoken(language)].unknown_reply
    fitting: list[str] = []
    for code in codes:
        if fits_one_segment(pattern.format(codes=", ".join([*fitting, code]))):
            fitting.append(code)
    return pattern.format(codes=", ".join(fitting))


def nothing_reply(language: str) -> str:
    """Return the answer to somebody of whose alarms none is open."""
    return TAKING[spoken(language)].nothing_reply


def stopped_reply(language: str) -> str:
    """Return the answer to somebody who wants no more messages."""
    return TAKING[spoken(language)].stopped_reply


def started_reply(language: str) -> str:
    """Return the answer to somebody who wants them again."""
    return TAKING[spoken(language)].started_reply


def still_stopped_reply(language: str) -> str:
    """Return the answer to somebody who wants them again, but whose mailbox said stop as well."""
    return TAKING[spoken(language)].still_stopped_reply


def taking_words(language: str) -> Taking:
    """Return the words of the language that serves a reader of `language`."""
    return TAKING[spoken(language)]


def _words(reader: Reader) -> Taking:
    return taking_words(reader.language)


TAKING: Mapping[str, Taking] = MappingProxyType(
    {
        "en": Taking(
            taken_sms="{name}: {what}, {time}. Somebody else has taken it[ ({code})]",
            taken_subject="Taken: ",
            taken="Somebody else has taken this alarm. You do not need to do anything.",
            still_sms="{name}: {what}, {time}. Still on it?[ Reply {code}]",
            still_subject="Still on it? ",
            still="You took this alarm, and it is not over. Are you still on it? Press the button on the page within "
            "{minutes} minutes; otherwise the others are told again.",
            still_look="See more, and answer",
            still_page="Whoever took this alarm was asked whether they still are on it.",
            still_button="I am still on it",
            done_reply="{name}: {what}. Thank you, you have taken it[ ({code})]",
            still_reply="{name}: {what}. Thank you, you are still on it[ ({code})]",
            already_reply="{name}: {what}. Somebody has taken it already[ ({code})]",
            over_reply="{name}: {what}. This is over already[ ({code})]",
            unknown_reply="We do not know this code. Your open alarms: {codes}",
            nothing_reply="No alarm of yours is open. Nothing was changed.",
            stopped_reply="You get no more messages about alarms. Reply START to get them again.",
            started_reply="You get messages about alarms again. Reply STOP to end them.",
            still_stopped_reply="Your mailbox stopped our messages as well. Undo that on your own page too, and the "
            "alarms come again.",
        ),
        "fi": Taking(
            taken_sms="{name}: {what}, {time}. Joku muu hoitaa asian[ ({code})]",
            taken_subject="Hoidossa: ",
            taken="Joku muu on ottanut tämän hälytyksen hoitaakseen. Sinun ei tarvitse tehdä mitään.",
            still_sms="{name}: {what}, {time}. Hoidatko yhä?[ Vastaa {code}]",
            still_subject="Hoidatko yhä? ",
            still="Otit tämän hälytyksen hoitaaksesi, ja se jatkuu yhä. Hoidatko sitä edelleen? Paina sivun painiketta "
            "{minutes} minuutin kuluessa; muuten kerromme siitä taas muille.",
            still_look="Katso lisää ja vastaa",
            still_page="Hälytyksen hoitajalta kysyttiin, hoitaako hän sitä yhä.",
            still_button="Hoidan sitä yhä",
            done_reply="{name}: {what}. Kiitos, hälytys on nyt sinun hoidossasi[ ({code})]",
            still_reply="{name}: {what}. Kiitos, hoidat yhä tätä[ ({code})]",
            already_reply="{name}: {what}. Joku hoitaa tätä jo[ ({code})]",
            over_reply="{name}: {what}. Tämä on jo ohi[ ({code})]",
            unknown_reply="Emme tunne tätä koodia. Avoimet hälytyksesi: {codes}",
            nothing_reply="Sinulla ei ole avoimia hälytyksiä. Mitään ei muutettu.",
            stopped_reply="Et saa enää hälytysviestejä. Vastaa ALOITA, jos haluat niitä taas.",
            started_reply="Saat taas hälytysviestejä. Vastaa LOPETA, jos et halua niitä.",
            still_stopped_reply="Myös sähköpostiosoitteesi on estetty. Peru se omalla sivullasi, niin hälytykset "
            "tulevat taas.",
        ),
        "sv": Taking(
            taken_sms="{name}: {what}, {time}. Någon annan tar hand om det[ ({code})]",
            taken_subject="Omhändertaget: ",
            taken="Någon annan har tagit hand om det här larmet. Du behöver inte göra något.",
            still_sms="{name}: {what}, {time}. Sköter du det än?[ Svara {code}]",
            still_subject="Sköter du det än? ",
            still="Du tog hand om det här larmet, och det pågår fortfarande. Sköter du det än? Tryck på knappen på "
            "sidan inom {minutes} minuter; annars larmar vi de andra igen.",
            still_look="Se mer och svara",
            still_page="Den som tog hand om larmet har fått frågan om det fortfarande sköts.",
            still_button="Jag sköter det fortfarande",
            done_reply="{name}: {what}. Tack, nu tar du hand om det[ ({code})]",
            still_reply="{name}: {what}. Tack, du sköter det fortfarande[ ({code})]",
            already_reply="{name}: {what}. Någon tar redan hand om det[ ({code})]",
            over_reply="{name}: {what}. Detta är redan över[ ({code})]",
            unknown_reply="Vi känner inte till den koden. Dina öppna larm: {codes}",
            nothing_reply="Du har inget öppet larm. Ingenting har ändrats.",
            stopped_reply="Du får inga fler larmmeddelanden. Svara STARTA för att få dem igen.",
            started_reply="Du får larmmeddelanden igen. Svara STOPP för att avsluta dem.",
            still_stopped_reply="Även din e-postadress har stoppat våra meddelanden. Ångra det på din egen sida också, "
            "så kommer larmen igen.",
        ),
        "de": Taking(
            taken_sms="{name}: {what}, {time}. Jemand anders kümmert sich[ ({code})]",
            taken_subject="Übernommen: ",
            taken="Jemand anders hat diesen Alarm übernommen. Sie müssen nichts tun.",
            still_sms="{name}: {what}, {time}. Kümmern Sie sich noch darum?[ {code} antworten]",
            still_subject="Kümmern Sie sich noch darum? ",
            still="Sie haben diesen Alarm übernommen, und er dauert an. Kümmern Sie sich noch darum? Drücken Sie "
            "innerhalb von {minutes} Minuten den Knopf auf der Seite; sonst benachrichtigen wir wieder die anderen.",
            still_look="Mehr sehen und antworten",
            still_page="Wer diesen Alarm übernommen hat, wurde gefragt, ob er sich noch kümmert.",
            still_button="Ich kümmere mich noch darum",
            done_reply="{name}: {what}. Danke, Sie haben den Alarm übernommen[ ({code})]",
            still_reply="{name}: {what}. Danke, Sie kümmern sich weiter darum[ ({code})]",
            already_reply="{name}: {what}. Jemand kümmert sich schon[ ({code})]",
            over_reply="{name}: {what}. Das ist schon vorbei[ ({code})]",
            unknown_reply="Wir kennen diesen Code nicht. Ihre offenen Alarme: {codes}",
            nothing_reply="Keiner Ihrer Alarme ist offen. Nichts wurde geändert.",
            stopped_reply="Sie erhalten keine Alarme mehr. Antworten Sie START, um sie wieder zu erhalten.",
            started_reply="Sie erhalten wieder Alarme. Antworten Sie STOP, um sie zu beenden.",
            still_stopped_reply="Auch Ihre E-Mail-Adresse hat unsere Nachrichten beendet. Nehmen Sie das auf Ihrer "
            "Seite zurück, dann kommen Alarme wieder.",
        ),
        "nb": Taking(
            taken_sms="{name}: {what}, {time}. Noen andre tar seg av det[ ({code})]",
            taken_subject="Tatt hånd om: ",
            taken="Noen andre har tatt denne alarmen. Du trenger ikke å gjøre noe.",
            still_sms="{name}: {what}, {time}. Fortsatt på saken?[ Svar {code}]",
            still_subject="Fortsatt på saken? ",
            still="Du tok denne alarmen, og den varer fortsatt. Er du fortsatt på saken? Trykk på knappen på siden "
            "innen {minutes} minutter; ellers varsler vi de andre igjen.",
            still_look="Se mer og svar",
            still_page="Den som tok alarmen, er spurt om saken fortsatt følges opp.",
            still_button="Jeg er fortsatt på saken",
            done_reply="{name}: {what}. Takk, nå tar du deg av det[ ({code})]",
            still_reply="{name}: {what}. Takk, du er fortsatt på saken[ ({code})]",
            already_reply="{name}: {what}. Noen tar seg av det allerede[ ({code})]",
            over_reply="{name}: {what}. Dette er allerede over[ ({code})]",
            unknown_reply="Vi kjenner ikke denne koden. Dine åpne alarmer: {codes}",
            nothing_reply="Du har ingen åpen alarm. Ingenting er endret.",
            stopped_reply="Du får ikke flere alarmmeldinger. Svar START for å få dem igjen.",
            started_reply="Du får alarmmeldinger igjen. Svar STOPP for å avslutte dem.",
            still_stopped_reply="Også e-postadressen din har stoppet meldingene våre. Angre det på din egen side også, "
            "så kommer alarmene igjen.",
        ),
    }
)
