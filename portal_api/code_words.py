"""What stored names are called on pages in five languages: ways of a message, how it ended, what is held."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryState
from isocket.domain.holds import Part
from isocket.domain.letters import spoken
from portal_api.recipient_words import words_in

MESSAGES, ENTRY = "handed_messages", "handed_entry"  # what else an authority may be handed about somebody
KEYS = (*ChannelKind, *DeliveryState, *Part, MESSAGES, ENTRY)
_OF_MESSAGES = frozenset({"deliveries", "attempts", "receipts", "timeline"})
_ADDRESSES = frozenset({"name", "phone", "email"})


def codes_in(tag: str) -> Mapping[str, str]:
    """Return the words for each stored name in the language that serves somebody who asks for `tag`."""
    return _WORDS[spoken(tag)]


def named_in(names: Iterable[str], tag: str) -> list[str]:
    """Return the words for several of them; a name that another version stored must not break a page."""
    codes = codes_in(tag)
    return [codes.get(each) or each.replace("_", " ") for each in names]


def handed_in(fields: Iterable[str], tag: str) -> list[str]:
    """Return what an authority was handed (`collection.field`) in words, each once."""
    codes, told = codes_in(tag), dict[str, None]()
    for each in fields:
        collection, _, name = each.partition(".")
        of_all = codes[MESSAGES if collection in _OF_MESSAGES else ENTRY]
        told[words_in(tag)[name] if name in _ADDRESSES else of_all] = None
    return list(told)


_TEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "text message", "call", "e-mail", "notification", "web hook",
            "waiting to be sent", "on its way", "it is not known whether it went out", "sent", "delivered",
            "it did not get through", "called off",
            "the account", "the sockets", "what the sockets reported", "incidents", "messages", "requests by right",
            "messages, and what became of them", "how you are entered",
        ),
        "fi": (
            "tekstiviesti", "puhelu", "sähköposti", "ilmoitus", "webhook",
            "odottaa lähetystä", "matkalla", "ei tiedetä, lähtikö se", "lähetetty", "perillä",
            "ei mennyt perille", "peruttu",
            "tili", "pistorasiat", "pistorasioiden lähettämät tiedot", "häiriöt", "viestit",
            "oikeuksia koskevat pyynnöt", "viestit ja niiden vaiheet", "miten sinut on lisätty",
        ),
        "sv": (
            "sms", "samtal", "e-post", "avisering", "webhook",
            "väntar på att skickas", "på väg", "okänt om det gick ut", "skickat", "levererat",
            "kom inte fram", "inställt",
            "kontot", "uttagen", "vad uttagen rapporterade", "händelser", "meddelanden", "begäranden om rättigheter",
            "meddelanden och vad som blev av dem", "hur du är angiven",
        ),
        "de": (
            "SMS", "Anruf", "E-Mail", "Benachrichtigung", "Webhook",
            "wartet auf den Versand", "unterwegs", "unbekannt, ob sie hinausging", "gesendet", "zugestellt",
            "kam nicht an", "zurückgezogen",
            "das Konto", "die Steckdosen", "was die Steckdosen meldeten", "Vorfälle", "Nachrichten",
            "Anfragen zu Rechten", "Nachrichten und was aus ihnen wurde", "wie Sie eingetragen sind",
        ),
        "nb": (
            "tekstmelding", "anrop", "e-post", "varsel", "webhook",
            "venter på å bli sendt", "på vei", "ukjent om den gikk ut", "sendt", "levert",
            "kom ikke fram", "trukket tilbake",
            "kontoen", "stikkontaktene", "hva stikkontaktene meldte", "hendelser", "meldinger",
            "forespørsler om rettigheter", "meldinger og hva det ble av dem", "hvordan du er satt opp",
        ),
    }
)  # fmt: skip
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {tag: MappingProxyType(dict(zip(KEYS, texts, strict=True))) for tag, texts in _TEXTS.items()}
)
