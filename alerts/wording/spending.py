"""Word to the owner that most or all of a month's money for texts and calls is spent, in each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alerts.wording.messages import Reader, Words
from isocket.domain.letters import spoken
from isocket.domain.tariff import MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    subject: str
    subject_all: str
    most: str
    all: str
    critical: str
    anew: str


def spending_notice(
    reader: Reader, *, percent: int, spent_micro: int, cap_micro: int, currency: str, public_url: str
) -> Words:
    """Return the mail to the owner; at 100 percent it says what goes by which way from now on."""
    language = spoken(reader.language)
    said = _SAID[language]
    everything = percent >= 100  # noqa: PLR2004 - percent
    amounts = {
        "spent": _money(spent_micro, currency, language),
        "cap": _money(cap_micro, currency, language),
    }
    facts = [(said.all if everything else said.most).format(**amounts), said.critical, said.anew]
    subject = said.subject_all if everything else said.subject
    return Words(subject=subject, text="\n\n".join([*facts, public_url.rstrip("/")]) + "\n")


def _money(micro: int, currency: str, language: str) -> str:
    amount = f"{micro / MICRO:.2f} {currency}"
    return amount if language == "en" else amount.replace(".", ",")


_SAID: Mapping[str, _Said] = MappingProxyType(
    {
        "en": _Said(
            subject="iSocket: most of this month's money for texts and calls is spent",
            subject_all="iSocket: this month's money for texts and calls is spent",
            most="Texts and calls have cost {spent} this month, of {cap}. When that is spent, alarms that are not "
            "critical, and codes, come by free ways only: by e-mail and to your browser.",
            all="Texts and calls have cost {spent} this month, and {cap} is all there is. Alarms that are not critical "
            "now come by e-mail and to your browser only, and codes are not sent to telephones.",
            critical="Critical alarms come by text and call all the same.",
            anew="The month is counted anew on the first day of the next (UTC).",
        ),
        "fi": _Said(
            subject="iSocket: suurin osa kuukauden viestirahasta on käytetty",
            subject_all="iSocket: kuukauden viestiraha on käytetty",
            most="Tekstiviestit ja puhelut ovat maksaneet tässä kuussa {spent}, kun raja on {cap}. Kun raja täyttyy, "
            "muut kuin kriittiset hälytykset ja koodit tulevat vain maksuttomia teitä: sähköpostilla ja selaimeen.",
            all="Tekstiviestit ja puhelut ovat maksaneet tässä kuussa {spent}, ja raja on {cap}. Muut kuin kriittiset "
            "hälytykset tulevat nyt vain sähköpostilla ja selaimeen, eikä koodeja lähetetä puhelimiin.",
            critical="Kriittiset hälytykset tulevat silti tekstiviestinä ja puheluna.",
            anew="Laskenta alkaa alusta seuraavan kuun ensimmäisenä päivänä (UTC).",
        ),
        "sv": _Said(
            subject="iSocket: det mesta av månadens pengar för sms och samtal är slut",
            subject_all="iSocket: månadens pengar för sms och samtal är slut",
            most="Sms och samtal har kostat {spent} den här månaden, av {cap}. När det är slut kommer larm som inte är "
            "kritiska, och koder, bara på kostnadsfria sätt: med e-post och till webbläsaren.",
            all="Sms och samtal har kostat {spent} den här månaden, och {cap} är gränsen. Larm som inte är kritiska "
            "kommer nu bara med e-post och till webbläsaren, och inga koder skickas till telefoner.",
            critical="Kritiska larm kommer ändå med sms och samtal.",
            anew="Räkningen börjar om den första dagen i nästa månad (UTC).",
        ),
        "de": _Said(
            subject="iSocket: das meiste Geld dieses Monats für SMS und Anrufe ist verbraucht",
            subject_all="iSocket: das Geld dieses Monats für SMS und Anrufe ist verbraucht",
            most="SMS und Anrufe haben in diesem Monat {spent} gekostet, von {cap}. Ist das verbraucht, kommen Alarme, "
            "die nicht kritisch sind, und Codes nur noch auf kostenlosen Wegen: per E-Mail und im Browser.",
            all="SMS und Anrufe haben in diesem Monat {spent} gekostet, und {cap} ist die Grenze. Alarme, die nicht "
            "kritisch sind, kommen jetzt nur noch per E-Mail und im Browser; Codes gehen nicht mehr an Telefone.",
            critical="Kritische Alarme kommen trotzdem als SMS und Anruf.",
            anew="Am ersten Tag des nächsten Monats (UTC) wird neu gezählt.",
        ),
        "nb": _Said(
            subject="iSocket: det meste av månedens penger til SMS og anrop er brukt",
            subject_all="iSocket: månedens penger til SMS og anrop er brukt opp",
            most="SMS og anrop har kostet {spent} denne måneden, av {cap}. Når det er brukt opp, kommer alarmer som "
            "ikke er kritiske, og koder, bare på gratis måter: med e-post og i nettleseren.",
            all="SMS og anrop har kostet {spent} denne måneden, og {cap} er grensen. Alarmer som ikke er kritiske, "
            "kommer nå bare med e-post og i nettleseren, og koder sendes ikke til telefoner.",
            critical="Kritiske alarmer kommer likevel med SMS og anrop.",
            anew="Det telles på nytt fra den første dagen i neste måned (UTC).",
        ),
    }
)
