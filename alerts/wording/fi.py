"""The words in Finnish."""

from types import MappingProxyType

from alerts.wording.texts import Texts
from isocket.domain.incidents import Cause, Why

FINNISH = Texts(
    decimal_mark=",",
    months=(),
    time="{day}.{month}. klo {hour}.{minute:02}",
    test="TESTI: ",
    sensor="anturi {number}",
    input="tulo {number}",
    alarm=MappingProxyType(
        {
            Cause.MAINS_LOST: "sähkökatko",
            Cause.BATTERY_LOW: "akku on vähissä[: {value} %]",
            Cause.SHUTDOWN_IMMINENT: "akku on lähes tyhjä, laite sammuu pian",
            Cause.TEMP_HIGH: "lämpötila on liian korkea[: {value} C]",
            Cause.TEMP_LOW: "lämpötila on liian matala[: {value} C]",
            Cause.TEMP_RATE: "lämpötila muuttuu nopeasti[, nyt {value} C]",
            Cause.TEMP_FAULT: "lämpöanturi on viallinen tai puuttuu",
            Cause.INPUT: "sisääntulo hälyttää",
            Cause.CREDIT_LOW: "prepaid-saldo on vähissä[: {value}]",
            Cause.UNAUTHORISED: "joku yritti käyttää laitetta luvatta",
            Cause.RESTARTED: "laite on käynnistynyt uudelleen",
            Cause.OFFLINE: "ei yhteyttä",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaatti ei vaikuta lämpötilaan[: {value} C]",
            Cause.COMMAND_FAILED: "komentoa ei suoritettu",
            Cause.SIGNAL_LOW: "mobiilisignaali on heikko",
            Cause.FLAPPING: "tulee ja menee[: {value}]",
            Cause.NO_RECIPIENT: "hälytyksistä ei voida kertoa kenellekään",
            Cause.DELIVERY_BROKEN: "viestit eivät tavoita yhteyshenkilöitä",
            Cause.TEST: "koehälytys",
        }
    ),
    within=MappingProxyType(
        {
            Cause.TEMP_HIGH: "lämpötila oli liian korkea[, nyt {value} C]",
            Cause.TEMP_LOW: "lämpötila oli liian matala[, nyt {value} C]",
        }
    ),
    clear=MappingProxyType(
        {
            Cause.MAINS_LOST: "sähköt palasivat",
            Cause.BATTERY_LOW: "akku ei ole enää vähissä",
            Cause.SHUTDOWN_IMMINENT: "akku ei ole enää lähes tyhjä",
            Cause.TEMP_HIGH: "lämpötila ei ole enää liian korkea",
            Cause.TEMP_LOW: "lämpötila ei ole enää liian matala",
            Cause.TEMP_RATE: "lämpötila on taas tasainen",
            Cause.TEMP_FAULT: "lämpöanturi toimii taas",
            Cause.INPUT: "sisääntulo on taas levossa",
            Cause.CREDIT_LOW: "prepaid-saldo ei ole enää vähissä",
            Cause.UNAUTHORISED: "luvatta käyttäminen on loppunut",
            Cause.RESTARTED: "laite on taas toiminnassa",
            Cause.OFFLINE: "yhteys palasi",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaatti vaikuttaa taas",
            Cause.COMMAND_FAILED: "komennon hälytys on ohi",
            Cause.SIGNAL_LOW: "mobiilisignaali on taas riittävä",
            Cause.FLAPPING: "taas vakaa[, hälytyksiä {value}]",
            Cause.NO_RECIPIENT: "hälytyksistä voidaan taas kertoa",
            Cause.DELIVERY_BROKEN: "viestit tavoittavat taas yhteyshenkilöt",
            Cause.TEST: "koehälytys päättyi",
        }
    ),
    unwatched=MappingProxyType(
        {
            Why.SETTINGS: "raja poistettiin, joten hälytys päättyy",
            Why.LIMIT_CHANGED: "rajaa muutettiin, joten hälytys päättyy",
            Why.NOT_ASKED: "termostaatti ei enää pyydä mitään, joten hälytys päättyy",
            Why.DISARMED: "valvonta kytkettiin pois, joten hälytys päättyy",
        }
    ),
    elsewhere=", myös usealla muulla pistorasialla",
    alarm_sms="{name}: {what}, {time}. Kuittaa vastaamalla {code}",
    clear_sms="{name}: {what}, {time}. Hälytys {code} ohi",
    mail_when="Alkoi",
    mail_until="Päättyi",
    mail_code="Koodi kuittaamiseen tekstiviestillä",
    mail_look="Katso lisää ja kuittaa",
    mail_see="Katso lisää tästä hälytyksestä",
    mail_contacts="Yhteyshenkilösi",
    mail_acknowledge="Sivun avaaminen ei kuittaa hälytystä; sivulla oleva painike kuittaa.",
    mail_account="Jos sinulla on tili",
    mail_why="Saat tämän, koska tämän iSocketin omistaja nimesi sinut hälytysten saajaksi.",
    notice_exhausted_subject="Hälytyksestä ei voitu kertoa kenellekään",
    notice_exhausted="{name}: {what}, {time}. Kenellekään yhteyshenkilöistäsi ei voitu kertoa siitä.",
    notice_unanswered_subject="Kukaan ei ole kuitannut hälytystä",
    notice_unanswered="{name}: {what}, {time}. Yhteyshenkilöillesi ilmoitettiin, mutta kukaan heistä ei ole kuitannut.",
    notice_stopped_subject="Yhteyshenkilö ei halua enää viestejä",
    notice_stopped="Yksi yhteyshenkilöistäsi pyysi, ettei hänelle enää lähetetä viestejä. Siihen asti kunnes "
    "tämä muuttuu, hänelle ei kerrota hälytyksistä.",
    notice_came_back_subject="Yhteyshenkilö haluaa taas viestejä",
    notice_came_back="Yksi yhteyshenkilöistäsi, joka oli lopettanut viestimme, pyysi niitä taas. Hänelle kerrotaan "
    "hälytyksistä kuten ennen, niillä tavoilla, jotka hän on vahvistanut omikseen.",
    ack_text="Kuittaaminen lopettaa lisäviestit tästä hälytyksestä; se jää tietoihin.",
    ack_button="Kuittaa",
    ack_done="Tämä hälytys on kuitattu.",
    ack_over="Tämä hälytys on ohi.",
    stop_title="Lopeta hälytysviestit",
    stop_text="Jos lopetat, emme enää lähetä sinulle mitään tästä iSocketista emmekä saman "
    "omistajan muista laitteista millään tavalla. Omistajalle kerrotaan.",
    stop_button="Lopeta viestit",
    stop_done="Et saa enää viestejä.",
    link_over_title="Tämä linkki on vanhentunut",
    link_over=(
        "Se johti hälytykseen. Linkki toimii rajoitetun ajan tai siihen asti, kun sen saaja tai hänen laitteensa "
        "poistettiin. Pistorasian omistaja löytää hälytyksen omalta tililtään."
    ),
)
