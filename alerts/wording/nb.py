"""The words in Norwegian (bokmål)."""

from types import MappingProxyType

from alerts.wording.texts import Texts
from isocket.domain.incidents import Cause, Why

NORWEGIAN = Texts(
    decimal_mark=",",
    months=(),
    time="{day}.{month}. kl. {hour:02}.{minute:02}",
    test="TEST: ",
    sensor="føler {number}",
    input="inngang {number}",
    alarm=MappingProxyType(
        {
            Cause.MAINS_LOST: "strømbrudd",
            Cause.BATTERY_LOW: "batteriet er svakt[: {value} %]",
            Cause.SHUTDOWN_IMMINENT: "batteriet er nesten tomt, enheten slår seg snart av",
            Cause.TEMP_HIGH: "temperaturen er for høy[: {value} C]",
            Cause.TEMP_LOW: "temperaturen er for lav[: {value} C]",
            Cause.TEMP_RATE: "temperaturen endrer seg raskt[, nå {value} C]",
            Cause.TEMP_FAULT: "en temperaturføler er defekt eller mangler",
            Cause.INPUT: "alarm på inngangen",
            Cause.CREDIT_LOW: "saldoen på kontantkortet er lav[: {value}]",
            Cause.UNAUTHORISED: "noen uten tillatelse prøvde å bruke enheten",
            Cause.RESTARTED: "enheten har startet på nytt",
            Cause.OFFLINE: "ingen forbindelse",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaten har ingen virkning[: {value} C]",
            Cause.COMMAND_FAILED: "en kommando ble ikke utført",
            Cause.SIGNAL_LOW: "mobilsignalet er svakt",
            Cause.FLAPPING: "kommer og går[: {value}]",
            Cause.NO_RECIPIENT: "ingen kan få beskjed om alarmer",
            Cause.DELIVERY_BROKEN: "meldinger når ikke kontaktene",
            Cause.TEST: "prøvealarm",
        }
    ),
    within=MappingProxyType(
        {
            Cause.TEMP_HIGH: "temperaturen var for høy[, nå {value} C]",
            Cause.TEMP_LOW: "temperaturen var for lav[, nå {value} C]",
        }
    ),
    clear=MappingProxyType(
        {
            Cause.MAINS_LOST: "strømmen er tilbake",
            Cause.BATTERY_LOW: "batteriet er ikke lenger svakt",
            Cause.SHUTDOWN_IMMINENT: "batteriet er ikke lenger nesten tomt",
            Cause.TEMP_HIGH: "temperaturen er ikke lenger for høy",
            Cause.TEMP_LOW: "temperaturen er ikke lenger for lav",
            Cause.TEMP_RATE: "temperaturen er jevn igjen",
            Cause.TEMP_FAULT: "temperaturføleren virker igjen",
            Cause.INPUT: "inngangen er i ro igjen",
            Cause.CREDIT_LOW: "saldoen på kontantkortet er ikke lenger lav",
            Cause.UNAUTHORISED: "ingen uten tillatelse prøver lenger å bruke enheten",
            Cause.RESTARTED: "enheten er i gang igjen",
            Cause.OFFLINE: "forbindelsen er tilbake",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaten har virkning igjen",
            Cause.COMMAND_FAILED: "alarmen om kommandoen er over",
            Cause.SIGNAL_LOW: "mobilsignalet er sterkt nok igjen",
            Cause.FLAPPING: "stabilt igjen[ etter {value} alarmer]",
            Cause.NO_RECIPIENT: "noen kan få beskjed om alarmer igjen",
            Cause.DELIVERY_BROKEN: "meldinger når kontaktene igjen",
            Cause.TEST: "prøvealarmen er over",
        }
    ),
    unwatched=MappingProxyType(
        {
            Why.SETTINGS: "grensen ble fjernet, derfor slutter alarmen",
            Why.LIMIT_CHANGED: "grensen ble endret, derfor slutter alarmen",
            Why.NOT_ASKED: "termostaten ber ikke om noe lenger, derfor slutter alarmen",
            Why.DISARMED: "overvåkingen ble slått av, derfor slutter alarmen",
        }
    ),
    elsewhere=", også ved flere andre stikkontakter",
    alarm_sms="{name}: {what}, {time}. Kvitter: svar {code}",
    clear_sms="{name}: {what}, {time}. Alarm {code} er over",
    mail_when="Begynte",
    mail_until="Sluttet",
    mail_code="Kode for å kvittere med SMS",
    mail_look="Se mer og kvitter",
    mail_see="Se mer om alarmen",
    mail_contacts="Kontaktene dine",
    mail_acknowledge="Å åpne siden kvitterer ikke alarmen; det gjør knappen på den.",
    mail_account="Hvis du har en konto",
    mail_why="Du får dette fordi eieren av denne iSocketen har satt deg opp som mottaker av alarmer.",
    notice_exhausted_subject="Ingen kunne få beskjed om en alarm",
    notice_exhausted="{name}: {what}, {time}. Ingen av kontaktene dine kunne få beskjed om den.",
    notice_unanswered_subject="Ingen har kvittert en alarm",
    notice_unanswered="{name}: {what}, {time}. Kontaktene dine har fått beskjed, men ingen av dem har kvittert.",
    notice_stopped_subject="En kontakt vil ikke ha flere meldinger",
    notice_stopped="En av kontaktene dine ba oss om ikke å sende flere meldinger. Så lenge det gjelder, får "
    "denne personen ikke beskjed om alarmer.",
    notice_came_back_subject="En kontakt vil ha meldinger igjen",
    notice_came_back="En av kontaktene dine som hadde stoppet meldingene våre, ba om dem igjen. Denne personen får "
    "beskjed om alarmer som før, på de måtene som er bekreftet som personens egne.",
    ack_text="Å kvittere avslutter flere meldinger om denne alarmen; den blir stående i historikken.",
    ack_button="Kvitter",
    ack_done="Alarmen er kvittert.",
    ack_over="Alarmen er over.",
    stop_title="Stopp meldinger om alarmer",
    stop_text="Hvis du stopper, sender vi deg ikke mer om denne iSocketen eller eierens andre, på "
    "noen måte. Eieren får beskjed.",
    stop_button="Stopp meldingene",
    stop_done="Du får ingen flere meldinger.",
    link_over_title="Lenken gjelder ikke lenger",
    link_over=(
        "Den førte til en alarm. En slik lenke gjelder i begrenset tid, eller til mottakeren eller mottakerens "
        "enhet ble fjernet. Den som eier stikkontakten, finner alarmen i kontoen sin."
    ),
)
