"""What whoever is concerned by a breach is told, in every language: first what happened, later what was done.

The words about the breach itself are written for each; those here stand around them (Art. 34(2)).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from isocket.domain.breaches import NoticeWords, ReportWords
from isocket.domain.handling import Category
from isocket.domain.inventory import inventory
from isocket.domain.letters import LANGUAGES, Letter, spoken
from isocket.domain.processing import Controller


def breach_mail(
    language: str, words: Mapping[str, NoticeWords], *, what: Sequence[str], controller: Controller, page: str
) -> Letter:
    """Return the first word; `what` are the fields about the reader that were open."""
    frame, said = _NOTICE[spoken(language)], in_language(words, language)
    parts = [
        frame["opening"],
        f"{frame['concerned']} {', '.join(kinds_of(language, what))}.",
        f"{frame['happened']}\n{said.happened}",
        f"{frame['consequences']}\n{said.consequences}",
        f"{frame['measures']}\n{said.measures}",
        *([f"{frame['advice']}\n{said.advice}"] if said.advice else []),
        frame["later"].format(page=page),
        frame["contact"].format(contact=controller.signature),
    ]
    return Letter(subject=frame["subject"], text="\n\n".join(parts) + "\n")


def breach_report_mail(language: str, words: Mapping[str, ReportWords], *, controller: Controller, page: str) -> Letter:
    """Return the later word: what was done."""
    frame, said = {**_NOTICE[spoken(language)], **_REPORT[spoken(language)]}, in_language(words, language)
    parts = [
        frame["opening"],
        said.done,
        *([f"{frame['advice']}\n{said.advice}"] if said.advice else []),
        frame["page"].format(page=page),
        frame["contact"].format(contact=controller.signature),
    ]
    return Letter(subject=frame["subject"], text="\n\n".join(parts) + "\n")


def breach_text(language: str, *, page: str) -> str:
    """Return the first word for whoever has a telephone only: one GSM-7 segment with an address of usual length."""
    return _TEXT[spoken(language)].format(page=page)


def breach_report_text(language: str, *, page: str) -> str:
    """Return the later word for whoever has a telephone only."""
    return _REPORT_TEXT[spoken(language)].format(page=page)


def kinds_of(language: str, what: Sequence[str]) -> list[str]:
    """Return of which kinds these fields (or whole collections) are, in words, in the order of `Category`."""
    named = set(what)
    found = {
        each.category
        for each in inventory()
        if each.personal and not named.isdisjoint({each.collection, f"{each.collection}.{each.field}"})
    }
    return [_KINDS[spoken(language)][each] for each in Category if each.value in found]


Said = TypeVar("Said", NoticeWords, ReportWords)


def in_language(words: Mapping[str, Said], language: str) -> Said:
    """Return the words in somebody's language; English, or whatever there is, where there are none in it."""
    said = words.get(spoken(language)) or words.get(LANGUAGES[0])
    return said or next(iter(words.values()))


_NOTICE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "subject": "Data about you may have got into the wrong hands",
            "opening": "Data that we hold about you was not as safe as it should have been. We are sorry. This is what "
            "we know now.",
            "concerned": "It concerns these kinds of data about you:",
            "happened": "What happened:",
            "consequences": "What it may mean for you:",
            "measures": "What we are doing:",
            "advice": "What you can do:",
            "later": "You will hear from us again what was done in the end. Until then the news is here:\n{page}",
            "contact": "Questions: {contact}. You may complain to the data protection authority of your country.",
        },
        "fi": {
            "subject": "Tietojasi on voinut joutua vääriin käsiin",
            "opening": "Sinua koskevat tietomme eivät ole olleet niin turvassa kuin niiden pitäisi. Olemme "
            "pahoillamme. Tämän tiedämme nyt.",
            "concerned": "Asia koskee näitä tietojasi:",
            "happened": "Mitä tapahtui:",
            "consequences": "Mitä se voi merkitä sinulle:",
            "measures": "Mitä teemme:",
            "advice": "Mitä voit tehdä itse:",
            "later": "Kerromme sinulle vielä, mitä lopulta tehtiin. Siihen asti uutiset ovat täällä:\n{page}",
            "contact": "Kysymykset: {contact}. Voit tehdä valituksen maasi tietosuojaviranomaiselle.",
        },
        "sv": {
            "subject": "Uppgifter om dig kan ha hamnat i orätta händer",
            "opening": "Uppgifter som vi har om dig har inte varit så säkra som de borde. Vi beklagar. Det här vet vi "
            "nu.",
            "concerned": "Det gäller sådana uppgifter om dig:",
            "happened": "Vad som hände:",
            "consequences": "Vad det kan betyda för dig:",
            "measures": "Vad vi gör:",
            "advice": "Vad du kan göra:",
            "later": "Du får höra av oss igen om vad som gjordes till slut. Till dess finns nyheter här:\n{page}",
            "contact": "Frågor: {contact}. Du kan klaga hos dataskyddsmyndigheten i ditt land.",
        },
        "de": {
            "subject": "Daten über Sie sind vielleicht in falsche Hände geraten",
            "opening": "Daten, die wir über Sie haben, waren nicht so sicher, wie sie sein sollten. Das tut uns leid. "
            "Das wissen wir jetzt.",
            "concerned": "Es betrifft solche Daten über Sie:",
            "happened": "Was geschehen ist:",
            "consequences": "Was es für Sie bedeuten kann:",
            "measures": "Was wir tun:",
            "advice": "Was Sie tun können:",
            "later": "Sie hören noch einmal von uns, was am Ende getan wurde. Bis dahin stehen Neuigkeiten hier:\n"
            "{page}",
            "contact": "Fragen: {contact}. Sie können sich bei der Datenschutzbehörde Ihres Landes beschweren.",
        },
        "nb": {
            "subject": "Opplysninger om deg kan ha kommet i gale hender",
            "opening": "Opplysninger vi har om deg, har ikke vært så trygge som de burde. Vi beklager. Dette vet vi "
            "nå.",
            "concerned": "Det gjelder slike opplysninger om deg:",
            "happened": "Hva som skjedde:",
            "consequences": "Hva det kan bety for deg:",
            "measures": "Hva vi gjør:",
            "advice": "Hva du kan gjøre:",
            "later": "Du hører fra oss igjen om hva som ble gjort til slutt. Fram til da er nyheter her:\n{page}",
            "contact": "Spørsmål: {contact}. Du kan klage til datatilsynsmyndigheten i landet ditt.",
        },
    }
)
_REPORT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "subject": "What was done about your data",
            "opening": "We wrote to you that data about you had not been as safe as it should have been. We promised "
            "to tell you what was done:",
            "page": "All of it once more:\n{page}",
        },
        "fi": {
            "subject": "Mitä tietojesi suojaamiseksi tehtiin",
            "opening": "Kirjoitimme sinulle, etteivät tietosi olleet niin turvassa kuin niiden pitäisi. Lupasimme "
            "kertoa, mitä asialle tehtiin:",
            "page": "Kaikki vielä kerran:\n{page}",
        },
        "sv": {
            "subject": "Vad som gjordes för dina uppgifter",
            "opening": "Vi skrev till dig att uppgifter om dig inte hade varit så säkra som de borde. Vi lovade "
            "berätta vad som gjordes:",
            "page": "Allt en gång till:\n{page}",
        },
        "de": {
            "subject": "Was für Ihre Daten getan wurde",
            "opening": "Wir haben Ihnen geschrieben, dass Daten über Sie nicht so sicher waren, wie sie sein sollten. "
            "Wir haben versprochen, Ihnen zu sagen, was getan wurde:",
            "page": "Alles noch einmal:\n{page}",
        },
        "nb": {
            "subject": "Hva som ble gjort for opplysningene dine",
            "opening": "Vi skrev til deg at opplysninger om deg ikke hadde vært så trygge som de burde. Vi lovte å si "
            "hva som ble gjort:",
            "page": "Alt en gang til:\n{page}",
        },
    }
)
"""What the later word says in place of the first."""

_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "en": "iSocket: data about you may have got into the wrong hands. What happened and what to do: {page}",
        "fi": "iSocket: tietojasi on voinut joutua vääriin käsiin. Mitä tapahtui ja mitä voit tehdä: {page}",
        "sv": "iSocket: uppgifter om dig kan ha hamnat i orätta händer. Vad som hände och vad du kan göra: {page}",
        "de": "iSocket: Daten über Sie sind vielleicht in falsche Hände geraten. Was geschah und was zu tun ist: "
        "{page}",
        "nb": "iSocket: opplysninger om deg kan ha kommet i gale hender. Hva som skjedde og hva du kan gjøre: {page}",
    }
)
_REPORT_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "en": "iSocket: we told you of trouble with data about you. This was done about it: {page}",
        "fi": "iSocket: kerroimme ongelmasta tietojesi kanssa. Näin asia hoidettiin: {page}",
        "sv": "iSocket: vi berättade om problem med uppgifter om dig. Detta gjordes: {page}",
        "de": "iSocket: Wir haben von Problemen mit Daten über Sie berichtet. Das wurde getan: {page}",
        "nb": "iSocket: vi fortalte om problemer med opplysninger om deg. Dette ble gjort: {page}",
    }
)
_KINDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            Category.NAME: "names",
            Category.MAIL_ADDRESS: "your e-mail address",
            Category.PHONE_NUMBER: "your telephone number",
            Category.MACHINE_ADDRESS: "the address of a browser or program of yours",
            Category.CHOICE: "choices that you made",
            Category.CREDENTIAL: "passwords or codes, as hashes or sealed",
            Category.WORDS: "words that you gave",
            Category.MESSAGE: "messages to you",
            Category.ACTIVITY: "what happened and who did what",
        },
        "fi": {
            Category.NAME: "nimiä",
            Category.MAIL_ADDRESS: "sähköpostiosoitteesi",
            Category.PHONE_NUMBER: "puhelinnumerosi",
            Category.MACHINE_ADDRESS: "selaimesi tai ohjelmasi osoite",
            Category.CHOICE: "tekemäsi valinnat",
            Category.CREDENTIAL: "salasanat tai koodit, tiivisteinä tai salattuina",
            Category.WORDS: "antamasi sanat",
            Category.MESSAGE: "viestit sinulle",
            Category.ACTIVITY: "mitä tapahtui ja kuka teki mitä",
        },
        "sv": {
            Category.NAME: "namn",
            Category.MAIL_ADDRESS: "din e-postadress",
            Category.PHONE_NUMBER: "ditt telefonnummer",
            Category.MACHINE_ADDRESS: "adressen till din webbläsare eller ditt program",
            Category.CHOICE: "val som du gjort",
            Category.CREDENTIAL: "lösenord eller koder, som hash eller förseglade",
            Category.WORDS: "ord som du angett",
            Category.MESSAGE: "meddelanden till dig",
            Category.ACTIVITY: "vad som hände och vem som gjorde vad",
        },
        "de": {
            Category.NAME: "Namen",
            Category.MAIL_ADDRESS: "Ihre E-Mail-Adresse",
            Category.PHONE_NUMBER: "Ihre Telefonnummer",
            Category.MACHINE_ADDRESS: "die Adresse Ihres Browsers oder Programms",
            Category.CHOICE: "Ihre Einstellungen",
            Category.CREDENTIAL: "Passwörter oder Codes, als Hash oder versiegelt",
            Category.WORDS: "Worte, die Sie eingegeben haben",
            Category.MESSAGE: "Nachrichten an Sie",
            Category.ACTIVITY: "was geschah und wer was tat",
        },
        "nb": {
            Category.NAME: "navn",
            Category.MAIL_ADDRESS: "e-postadressen din",
            Category.PHONE_NUMBER: "telefonnummeret ditt",
            Category.MACHINE_ADDRESS: "adressen til nettleseren eller programmet ditt",
            Category.CHOICE: "valg du har gjort",
            Category.CREDENTIAL: "passord eller koder, som hash eller forseglet",
            Category.WORDS: "ord du har oppgitt",
            Category.MESSAGE: "meldinger til deg",
            Category.ACTIVITY: "hva som skjedde og hvem som gjorde hva",
        },
    }
)
