"""What the holder of a restricted account is told by mail: that it is, and before it ends (Art. 18(3))."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from, spoken
from isocket.domain.restrictions import AlarmsMeanwhile


def restricted_mail(language: str, alarms: AlarmsMeanwhile, page: str) -> Letter:
    """Return word that an account's data is only kept from now on, and what that does to alarms."""
    return letter_from(_RESTRICTED, language, alarms=_ALARMS[spoken(language)][alarms], page=page)


def lifting_mail(language: str, day: datetime, page: str) -> Letter:
    """Return word that a restriction ends on `day`, sent before it does."""
    return letter_from(_LIFTING, language, day=f"{day:%Y-%m-%d %H:%M} UTC", page=page)


_RESTRICTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "Your iSocket data is only kept from now on",
            (
                "From now on we only keep your data. You can read it as before; our staff, statistics and the "
                "newsletter do not use it.\n\n{alarms}\n\nYou can change that here:\n{page}\n"
            ),
        ),
        "fi": (
            "iSocket-tietojasi vain säilytetään tästä lähtien",
            (
                "Tästä lähtien vain säilytämme tietojasi. Voit lukea niitä kuten ennenkin; henkilökuntamme, tilastot "
                "ja uutiskirje eivät käytä niitä.\n\n{alarms}\n\nVoit muuttaa asian täällä:\n{page}\n"
            ),
        ),
        "sv": (
            "Dina iSocket-uppgifter lagras bara från och med nu",
            (
                "Från och med nu lagrar vi bara dina uppgifter. Du kan läsa dem som förut; vår personal, statistiken "
                "och nyhetsbrevet använder dem inte.\n\n{alarms}\n\nDu kan ändra det här:\n{page}\n"
            ),
        ),
        "de": (
            "Ihre iSocket-Daten werden ab jetzt nur aufbewahrt",
            (
                "Ab jetzt bewahren wir Ihre Daten nur auf. Sie können sie lesen wie bisher; unsere Mitarbeiter, "
                "Statistik und Newsletter verwenden sie nicht.\n\n{alarms}\n\nSie können das hier ändern:\n{page}\n"
            ),
        ),
        "nb": (
            "iSocket-opplysningene dine blir bare lagret fra nå av",
            (
                "Fra nå av lagrer vi bare opplysningene dine. Du kan lese dem som før; våre ansatte, statistikken og "
                "nyhetsbrevet bruker dem ikke.\n\n{alarms}\n\nDu kan endre det her:\n{page}\n"
            ),
        ),
    }
)
_ALARMS: Mapping[str, Mapping[AlarmsMeanwhile, str]] = MappingProxyType(
    {
        language: MappingProxyType({AlarmsMeanwhile.CONTINUE: on, AlarmsMeanwhile.STOP: off})
        for language, on, off in (
            (
                "en",
                "As you chose, your sockets are watched and people are told of alarms as before.",
                "As you chose, NOBODY IS TOLD OF ALARMS meanwhile, whatever your sockets report.",
            ),
            (
                "fi",
                "Valintasi mukaan pistorasioitasi valvotaan ja hälytykset lähetetään kuten ennenkin.",
                "Valintasi mukaan KENELLEKÄÄN EI LÄHETETÄ HÄLYTYKSIÄ sinä aikana, mitä pistorasiasi ilmoittavatkin.",
            ),
            (
                "sv",
                "Som du valde övervakas dina uttag och larm skickas som förut.",
                "Som du valde FÅR INGEN NÅGRA LARM under tiden, vad dina uttag än rapporterar.",
            ),
            (
                "de",
                "Wie gewählt werden Ihre Steckdosen überwacht und Alarme gemeldet wie bisher.",
                "Wie gewählt wird inzwischen NIEMAND ALARMIERT, was immer Ihre Steckdosen melden.",
            ),
            (
                "nb",
                "Som du valgte, overvåkes stikkontaktene dine, og alarmer sendes som før.",
                "Som du valgte, BLIR INGEN VARSLET i mellomtiden, uansett hva stikkontaktene dine melder.",
            ),
        )
    }
)
_LIFTING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "The restriction of your iSocket data ends",
            (
                "The restriction of your data ends on {day}. From then on it is used again as the notice says.\n\n"
                "You can ask for another here:\n{page}\n"
            ),
        ),
        "fi": (
            "iSocket-tietojesi käsittelyn rajoitus päättyy",
            (
                "Tietojesi käsittelyn rajoitus päättyy {day}. Sen jälkeen niitä käytetään taas kuten selosteessa.\n\n"
                "Voit pyytää uutta täällä:\n{page}\n"
            ),
        ),
        "sv": (
            "Begränsningen av dina iSocket-uppgifter upphör",
            (
                "Begränsningen av dina uppgifter upphör {day}. Därefter används de igen som informationen säger.\n\n"
                "Du kan begära en ny här:\n{page}\n"
            ),
        ),
        "de": (
            "Die Einschränkung Ihrer iSocket-Daten endet",
            (
                "Die Einschränkung Ihrer Daten endet am {day}. Danach werden sie wieder verwendet, wie es in den "
                "Hinweisen steht.\n\nEine neue können Sie hier verlangen:\n{page}\n"
            ),
        ),
        "nb": (
            "Begrensningen av iSocket-opplysningene dine opphører",
            (
                "Begrensningen av opplysningene dine opphører {day}. Etter det brukes de igjen slik informasjonen "
                "sier.\n\nDu kan be om en ny her:\n{page}\n"
            ),
        ),
    }
)
