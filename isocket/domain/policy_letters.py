"""The mail about a large change of the privacy policy, in every language."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from isocket.domain.letters import Letter, letter_from


def policy_mail(language: str, *, day: datetime, summary: str, changes: str, page: str) -> Letter:
    """Return word that another version holds from `day` on; `changes` shows what is different, `page` the whole."""
    return letter_from(_POLICY, language, day=f"{day:%Y-%m-%d}", summary=summary, changes=changes, page=page)


_POLICY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "The iSocket privacy policy changes",
            (
                "Another version of our privacy policy holds from {day}: {summary}\n\nWhat is different:\n{changes}\n\n"
                "The whole of it:\n{page}\n\nIt takes no rights from you, and going on using the service agrees to "
                "nothing.\n"
            ),
        ),
        "fi": (
            "iSocketin tietosuojaseloste muuttuu",
            (
                "Tietosuojaselosteestamme on voimassa uusi versio {day} alkaen: {summary}\n\nMikä muuttui:\n{changes}"
                "\n\nKoko seloste:\n{page}\n\nSe ei vie sinulta oikeuksia, eikä palvelun käyttö tarkoita suostumusta.\n"
            ),
        ),
        "sv": (
            "iSockets integritetspolicy ändras",
            (
                "En ny version av vår integritetspolicy gäller från {day}: {summary}\n\nVad som är annorlunda:\n"
                "{changes}\n\nHela texten:\n{page}\n\nDen tar inga rättigheter från dig, och att använda tjänsten är "
                "inget samtycke.\n"
            ),
        ),
        "de": (
            "Die Datenschutzerklärung von iSocket ändert sich",
            (
                "Eine neue Fassung unserer Datenschutzerklärung gilt ab {day}: {summary}\n\nWas anders ist:\n{changes}"
                "\n\nDie ganze Fassung:\n{page}\n\nSie nimmt Ihnen keine Rechte, und den Dienst zu nutzen ist keine "
                "Einwilligung.\n"
            ),
        ),
        "nb": (
            "iSockets personvernerklæring endres",
            (
                "En ny versjon av personvernerklæringen vår gjelder fra {day}: {summary}\n\nHva som er annerledes:\n"
                "{changes}\n\nHele teksten:\n{page}\n\nDen tar ingen rettigheter fra deg, og å bruke tjenesten er ikke "
                "et samtykke.\n"
            ),
        ),
    }
)
