"""To whom somebody may complain (Art. 77): the data protection authority of each country of the EEA, and the UK's.

Names and web addresses are those under which the authorities present themselves. Those of the EEA were compared on 26
November 2026 with the members of the European Data Protection Board (edpb.europa.eu, "Our members"), by a copy of that
list of 3 September 2026. The United Kingdom's authority is no member and was not. When one moves, that list says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One authority."""

    country: str
    name: str
    web: str


_TABLE = (
    ("AT", "Österreichische Datenschutzbehörde", "https://www.dsb.gv.at"),
    ("BE", "Gegevensbeschermingsautoriteit / Autorité de protection des données",
     "https://www.autoriteprotectiondonnees.be"),
    ("BG", "Commission for Personal Data Protection", "https://www.cpdp.bg"),
    ("CY", "Office of the Commissioner for Personal Data Protection", "https://www.dataprotection.gov.cy"),
    ("CZ", "Úřad pro ochranu osobních údajů", "https://uoou.gov.cz"),
    ("DE", "Die Bundesbeauftragte für den Datenschutz und die Informationsfreiheit", "https://www.bfdi.bund.de"),
    ("DK", "Datatilsynet", "https://www.datatilsynet.dk"),
    ("EE", "Andmekaitse Inspektsioon", "https://www.aki.ee"),
    ("ES", "Agencia Española de Protección de Datos", "https://www.aepd.es"),
    ("FI", "Tietosuojavaltuutetun toimisto", "https://tietosuoja.fi"),
    ("FR", "Commission Nationale de l'Informatique et des Libertés", "https://www.cnil.fr"),
    ("GB", "Information Commissioner's Office", "https://ico.org.uk"),
    ("GR", "Hellenic Data Protection Authority", "https://www.dpa.gr"),
    ("HR", "Agencija za zaštitu osobnih podataka", "https://azop.hr"),
    ("HU", "Nemzeti Adatvédelmi és Információszabadság Hatóság", "https://www.naih.hu"),
    ("IE", "Data Protection Commission", "https://www.dataprotection.ie"),
    ("IS", "Persónuvernd", "https://www.personuvernd.is"),
    ("IT", "Garante per la protezione dei dati personali", "https://www.garanteprivacy.it"),
    ("LI", "Datenschutzstelle", "https://www.datenschutzstelle.li"),
    ("LT", "Valstybinė duomenų apsaugos inspekcija", "https://vdai.lrv.lt"),
    ("LU", "Commission Nationale pour la Protection des Données", "https://cnpd.public.lu"),
    ("LV", "Datu valsts inspekcija", "https://www.dvi.gov.lv"),
    ("MT", "Office of the Information and Data Protection Commissioner", "https://idpc.org.mt"),
    ("NL", "Autoriteit Persoonsgegevens", "https://autoriteitpersoonsgegevens.nl"),
    ("NO", "Datatilsynet", "https://www.datatilsynet.no"),
    ("PL", "Urząd Ochrony Danych Osobowych", "https://uodo.gov.pl"),
    ("PT", "Comissão Nacional de Proteção de Dados", "https://www.cnpd.pt"),
    ("RO", "Autoritatea Națională de Supraveghere a Prelucrării Datelor cu Caracter Personal",
     "https://www.dataprotection.ro"),
    ("SE", "Integritetsskyddsmyndigheten", "https://www.imy.se"),
    ("SI", "Informacijski pooblaščenec", "https://www.ip-rs.si"),
    ("SK", "Úrad na ochranu osobných údajov Slovenskej republiky", "https://dataprotection.gov.sk"),
)  # fmt: skip
AUTHORITIES: Mapping[str, Authority] = MappingProxyType(
    {country: Authority(country=country, name=name, web=web) for country, name, web in _TABLE}
)
"""By country (ISO 3166)."""


def authority_of(country: str, *, at_home: str) -> Authority:
    """Return the authority of a country; where it has none of these, that of the country where the office is.

    One may also complain where one works, or where it happened (Art. 77(1)): no answer says that there is only one.
    """
    return AUTHORITIES.get(country) or AUTHORITIES.get(at_home) or AUTHORITIES["FI"]
