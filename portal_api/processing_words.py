"""What is done with the values of alarm recipients, in their languages: the notices are in English, their page is not.

What the inventory says is looked up by its English words; a test finds what has none here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.handling import Basis, Keep, Purpose, Recipient
from isocket.domain.letters import spoken
from isocket.domain.processing import (
    AS_CHOSEN,
    AT_THE_MAKER,
    BASES,
    NO_SAFEGUARD,
    NOT_TOLD,
    PURPOSES,
    WITH_THE_CUSTOMER,
)

_TONGUES = ("fi", "sv", "de", "nb")


def processing_in(phrase: str, tag: str) -> str:
    """Return what the notices say in English, in the language that serves a reader of `tag`; a country code stays."""
    language = spoken(tag)
    words = _WORDS.get(phrase)
    return phrase if words is None or language not in _TONGUES else words[_TONGUES.index(language)]


def recipient_in(told: str, tag: str) -> str:
    """Return the same of a recipient with its place in brackets, and by what it is covered that values go there."""
    where, colon, safeguard = told.removesuffix(")").partition(": ")
    who, _, place = where.rpartition(" (")
    return f"{processing_in(who, tag)} ({processing_in(place, tag)}{colon}{processing_in(safeguard, tag)})"


_WORDS: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        PURPOSES[Purpose.SERVICE]: (
            "Tilin ja valvottavaksi annettujen pistorasioiden ylläpito.",
            "Att sköta kontot och de uttag som vi fått i uppdrag att övervaka.",
            "Führung des Kontos und der Steckdosen, die wir überwachen sollen.",
            "Å drive kontoen og stikkontaktene som vi er bedt om å overvåke.",
        ),
        PURPOSES[Purpose.ALERTS]: (
            "Viasta kertominen niille, jotka asiakas on nimennyt.",
            "Att larma dem som kunden har angett när något är fel.",
            "Benachrichtigung der Personen, die der Kunde angegeben hat, wenn etwas nicht stimmt.",
            "Å varsle dem kunden har oppgitt, når noe er galt.",
        ),
        PURPOSES[Purpose.SECURITY]: (
            "Ulkopuolisten pitäminen poissa ja väärinkäytön havaitseminen.",
            "Att hålla obehöriga ute och upptäcka missbruk.",
            "Fernhalten Unbefugter und Erkennen von Missbrauch.",
            "Å holde uvedkommende ute og oppdage misbruk.",
        ),
        PURPOSES[Purpose.RIGHTS]: (
            "Sen osoittaminen, että ihmisten valintoja ja pyyntöjä on noudatettu.",
            "Att visa att det som människor valt och begärt har följts.",
            "Nachweis, dass befolgt wurde, was Menschen gewählt und verlangt haben.",
            "Å vise at det folk har valgt og bedt om, er fulgt.",
        ),
        BASES[Basis.CONTRACT.value]: (
            "sopimuksen täyttäminen, 6 artiklan 1 kohdan b alakohta",
            "fullgörande av ett avtal, artikel 6.1 b",
            "Erfüllung eines Vertrags, Art. 6 Abs. 1 Buchst. b",
            "oppfyllelse av en avtale, artikkel 6 nr. 1 bokstav b",
        ),
        BASES[Basis.LEGAL_DUTY.value]: (
            "lakisääteinen velvoite, 6 artiklan 1 kohdan c alakohta",
            "en rättslig förpliktelse, artikel 6.1 c",
            "eine rechtliche Verpflichtung, Art. 6 Abs. 1 Buchst. c",
            "en rettslig forpliktelse, artikkel 6 nr. 1 bokstav c",
        ),
        BASES[Basis.LEGITIMATE_INTEREST.value]: (
            (
                "oikeutettu etu: hälytys tavoittaa jonkun, ulkopuoliset pysyvät poissa ja vaatimuksia voidaan "
                "esittää ja niihin vastata, 6 artiklan 1 kohdan f alakohta"
            ),
            (
                "ett berättigat intresse: att ett larm når någon, att obehöriga hålls ute och att anspråk kan "
                "göras och bemötas, artikel 6.1 f"
            ),
            (
                "ein berechtigtes Interesse: dass ein Alarm jemanden erreicht, dass Unbefugte ferngehalten werden und "
                "dass Ansprüche erhoben und beantwortet werden können, Art. 6 Abs. 1 Buchst. f"
            ),
            (
                "en berettiget interesse: at en alarm når noen, at uvedkommende holdes ute, og at krav kan fremmes og "
                "besvares, artikkel 6 nr. 1 bokstav f"
            ),
        ),
        Keep.RELATION.value: (
            "niin kauan kuin omistaja pitää pistorasian tai yhteyshenkilön",
            "så länge ägaren har kvar uttaget eller kontakten",
            "solange der Besitzer die Steckdose oder den Kontakt behält",
            "så lenge eieren beholder stikkontakten eller kontakten",
        ),
        Keep.DAYS_30.value: (
            "30 päivää tallentamisesta",
            "30 dagar efter att det sparades",
            "30 Tage nach der Speicherung",
            "30 dager etter at det ble lagret",
        ),
        Keep.YEAR_1.value: (
            "1 vuosi tallentamisesta",
            "1 år efter att det sparades",
            "1 Jahr nach der Speicherung",
            "1 år etter at det ble lagret",
        ),
        Keep.YEARS_3.value: (
            "3 vuotta tallentamisesta",
            "3 år efter att det sparades",
            "3 Jahre nach der Speicherung",
            "3 år etter at det ble lagret",
        ),
        Keep.ANSWERED.value: (
            "1 vuosi tallentamisesta, mutta kunnes vastauksesta on kulunut 30 päivää",
            "1 år efter att det sparades, men tills 30 dagar har gått efter svaret",
            "1 Jahr nach der Speicherung, jedoch bis 30 Tage nach der Antwort",
            "1 år etter at det ble lagret, men til 30 dager etter svaret",
        ),
        Keep.TOLD.value: (
            "3 vuotta tallentamisesta tai siitä päivästä, josta alkaen siitä saa kertoa",
            "3 år efter att det sparades, eller efter den dag från vilken det får berättas",
            "3 Jahre nach der Speicherung oder nach dem Tag, ab dem es mitgeteilt werden darf",
            "3 år etter at det ble lagret, eller etter dagen da det tidligst kan fortelles",
        ),
        Keep.EPISODE.value: (
            "niin kauan kuin hälytys kestää ja 3 vuotta sen päättymisestä",
            "så länge larmet pågår och 3 år efter att det tog slut",
            "solange der Alarm andauert und 3 Jahre nach seinem Ende",
            "så lenge alarmen varer, og 3 år etter at den tok slutt",
        ),
        Keep.UNTIL_USED.value: (
            "kunnes se on käytetty tai vanhentunut",
            "tills det har använts eller gått ut",
            "bis es benutzt wurde oder abgelaufen ist",
            "til det er brukt eller utløpt",
        ),
        Keep.ACCOUNT.value: (
            "niin kauan kuin tili on olemassa",
            "så länge kontot finns",
            "solange das Konto besteht",
            "så lenge kontoen finnes",
        ),
        Keep.COMES_BACK.value: (
            "kunnes lukija haluaa taas viestejä",
            "tills läsaren vill ha meddelanden igen",
            "bis der Leser wieder Nachrichten möchte",
            "til leseren vil ha meldinger igjen",
        ),
        Keep.REGISTER.value: (
            "viisi vuotta tietoturvaloukkauksen päättämisestä",
            "fem år efter att personuppgiftsincidenten avslutades",
            "fünf Jahre nach Abschluss der Datenpanne",
            "fem år etter at avviket ble avsluttet",
        ),
        Recipient.SMS_VOICE_PROVIDER.value: (
            "tekstiviestien ja puhelujen välittäjä",
            "leverantör av sms och samtal",
            "Anbieter für SMS und Anrufe",
            "leverandør av SMS og anrop",
        ),
        Recipient.MAIL_PROVIDER.value: ("sähköpostipalvelin", "e-postserver", "Mailserver", "e-postserver"),
        Recipient.PUSH_SERVICE.value: (
            "selaimen valmistajan ilmoituspalvelu (vain salattuna)",
            "webbläsartillverkarens aviseringstjänst (endast krypterat)",
            "Mitteilungsdienst des Browserherstellers (nur verschlüsselt)",
            "nettleserprodusentens varslingstjeneste (bare kryptert)",
        ),
        Recipient.WEBHOOK_RECEIVER.value: (
            "asiakkaan nimeämä ohjelma",
            "programmet som kunden har angett",
            "das Programm, das der Kunde angegeben hat",
            "programmet som kunden har oppgitt",
        ),
        Recipient.OWNER.value: (
            "tiedot lisännyt asiakas",
            "kunden som angav dem",
            "der Kunde, der sie eingetragen hat",
            "kunden som oppga dem",
        ),
        NO_SAFEGUARD: (
            "mihin siirto perustuu, palveluntarjoaja ei ole kertonut",
            "vad överföringen grundas på har inte angivits av driftsansvarig",
            "worauf sich die Übermittlung stützt, hat der Betreiber nicht angegeben",
            "hva overføringen bygger på, er ikke oppgitt av driftsansvarlig",
        ),
        NOT_TOLD: (
            "palveluntarjoaja ei ole kertonut",
            "inte angivet av driftsansvarig",
            "vom Betreiber nicht angegeben",
            "ikke oppgitt av driftsansvarlig",
        ),
        AT_THE_MAKER: (
            "siellä, missä selaimen valmistaja sitä pitää; se ei voi lukea viestiä",
            "där webbläsarens tillverkare driver den; den kan inte läsa meddelandet",
            "wo der Browserhersteller ihn betreibt; er kann die Nachricht nicht lesen",
            "der nettleserprodusenten driver den; den kan ikke lese meldingen",
        ),
        AS_CHOSEN: (
            "asiakkaan valitsemassa paikassa",
            "där kunden har valt",
            "wo der Kunde es wählte",
            "der kunden har valgt",
        ),
        WITH_THE_CUSTOMER: ("siellä, missä asiakas on", "där kunden finns", "wo der Kunde ist", "der kunden er"),
    }
)
