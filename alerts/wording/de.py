"""The words in German."""

from types import MappingProxyType

from alerts.wording.texts import Texts
from isocket.domain.incidents import Cause, Why

GERMAN = Texts(
    decimal_mark=",",
    months=(),
    time="{day}.{month}. {hour:02}:{minute:02}",
    test="TEST: ",
    sensor="Fühler {number}",
    input="Eingang {number}",
    alarm=MappingProxyType(
        {
            Cause.MAINS_LOST: "Stromausfall",
            Cause.BATTERY_LOW: "Akku schwach[: {value} %]",
            Cause.SHUTDOWN_IMMINENT: "Akku fast leer, Gerät schaltet bald ab",
            Cause.TEMP_HIGH: "Temperatur zu hoch[: {value} C]",
            Cause.TEMP_LOW: "Temperatur zu niedrig[: {value} C]",
            Cause.TEMP_RATE: "Temperatur ändert sich schnell[, jetzt {value} C]",
            Cause.TEMP_FAULT: "Temperaturfühler defekt oder nicht da",
            Cause.INPUT: "Alarm am Eingang",
            Cause.CREDIT_LOW: "Guthaben der Karte niedrig[: {value}]",
            Cause.UNAUTHORISED: "jemand ohne Berechtigung wollte das Gerät benutzen",
            Cause.RESTARTED: "Gerät hat neu gestartet",
            Cause.OFFLINE: "keine Verbindung",
            Cause.THERMOSTAT_INEFFECTIVE: "der Thermostat bleibt ohne Wirkung[: {value} C]",
            Cause.COMMAND_FAILED: "ein Befehl wurde nicht ausgeführt",
            Cause.SIGNAL_LOW: "Mobilfunk zu schwach",
            Cause.FLAPPING: "kommt und geht[: {value}]",
            Cause.NO_RECIPIENT: "niemand kann von Alarmen erfahren",
            Cause.DELIVERY_BROKEN: "Nachrichten erreichen die Kontakte nicht",
            Cause.TEST: "Probealarm",
        }
    ),
    within=MappingProxyType(
        {
            Cause.TEMP_HIGH: "Temperatur war zu hoch[, jetzt {value} C]",
            Cause.TEMP_LOW: "Temperatur war zu niedrig[, jetzt {value} C]",
        }
    ),
    clear=MappingProxyType(
        {
            Cause.MAINS_LOST: "Strom ist wieder da",
            Cause.BATTERY_LOW: "Akku nicht mehr schwach",
            Cause.SHUTDOWN_IMMINENT: "Akku nicht mehr fast leer",
            Cause.TEMP_HIGH: "Temperatur nicht mehr zu hoch",
            Cause.TEMP_LOW: "Temperatur nicht mehr zu niedrig",
            Cause.TEMP_RATE: "Temperatur wieder gleichmäßig",
            Cause.TEMP_FAULT: "Temperaturfühler geht wieder",
            Cause.INPUT: "Eingang wieder in Ruhe",
            Cause.CREDIT_LOW: "Guthaben der Karte nicht mehr niedrig",
            Cause.UNAUTHORISED: "keine unberechtigten Versuche mehr",
            Cause.RESTARTED: "Gerät läuft wieder",
            Cause.OFFLINE: "Verbindung ist wieder da",
            Cause.THERMOSTAT_INEFFECTIVE: "der Thermostat wirkt wieder",
            Cause.COMMAND_FAILED: "Alarm zum Befehl beendet",
            Cause.SIGNAL_LOW: "Mobilfunk wieder stark genug",
            Cause.FLAPPING: "wieder stabil[ nach {value} Alarmen]",
            Cause.NO_RECIPIENT: "jemand kann wieder von Alarmen erfahren",
            Cause.DELIVERY_BROKEN: "Nachrichten erreichen die Kontakte wieder",
            Cause.TEST: "Probealarm beendet",
        }
    ),
    unwatched=MappingProxyType(
        {
            Why.SETTINGS: "der Grenzwert wurde entfernt, darum endet der Alarm",
            Why.LIMIT_CHANGED: "der Grenzwert wurde geändert, darum endet der Alarm",
            Why.NOT_ASKED: "der Thermostat verlangt nichts mehr, darum endet der Alarm",
            Why.DISARMED: "die Überwachung wurde abgeschaltet, darum endet der Alarm",
        }
    ),
    elsewhere=", auch an mehreren anderen Steckdosen",
    alarm_sms="{name}: {what}, {time}. Quittieren: {code} antworten",
    clear_sms="{name}: {what}, {time}. Alarm {code} beendet",
    mail_when="Beginn",
    mail_until="Ende",
    mail_code="Code zum Quittieren per SMS",
    mail_look="Mehr sehen und quittieren",
    mail_see="Mehr zu diesem Alarm",
    mail_contacts="Ihre Kontakte",
    mail_acknowledge="Das Öffnen der Seite quittiert den Alarm nicht; der Knopf darauf tut es.",
    mail_account="Falls Sie ein Konto haben",
    mail_why="Sie erhalten dies, weil der Besitzer dieses iSockets Sie als Empfänger von Alarmen angegeben hat.",
    notice_exhausted_subject="Niemand konnte von einem Alarm erfahren",
    notice_exhausted="{name}: {what}, {time}. Keiner Ihrer Kontakte war zu erreichen.",
    notice_unanswered_subject="Niemand hat einen Alarm quittiert",
    notice_unanswered="{name}: {what}, {time}. Ihre Kontakte wurden benachrichtigt, und keiner hat quittiert.",
    notice_stopped_subject="Ein Kontakt möchte keine Nachrichten mehr",
    notice_stopped="Einer Ihrer Kontakte hat uns gebeten, keine Nachrichten mehr zu senden. Solange das gilt, "
    "erfährt diese Person nichts von Alarmen.",
    notice_came_back_subject="Ein Kontakt möchte wieder Nachrichten",
    notice_came_back="Einer Ihrer Kontakte, der unsere Nachrichten beendet hatte, hat uns gebeten, sie wieder zu "
    "senden. Diese Person erfährt von Alarmen wie zuvor, auf den Wegen, die als ihre bestätigt sind.",
    ack_text="Quittieren beendet weitere Nachrichten zu diesem Alarm; er bleibt verzeichnet.",
    ack_button="Quittieren",
    ack_done="Dieser Alarm ist quittiert.",
    ack_over="Dieser Alarm ist vorbei.",
    stop_title="Nachrichten über Alarme beenden",
    stop_text="Wenn Sie beenden, senden wir Ihnen zu diesem iSocket und den anderen desselben "
    "Besitzers nichts mehr, auf keinem Weg. Der Besitzer erfährt davon.",
    stop_button="Nachrichten beenden",
    stop_done="Sie erhalten keine Nachrichten mehr.",
    link_over_title="Dieser Link gilt nicht mehr",
    link_over=(
        "Er führte zu einem Alarm. So ein Link gilt begrenzte Zeit, oder bis sein Empfänger oder dessen Gerät "
        "entfernt wurde. Wem die Steckdose gehört, der findet den Alarm in seinem Konto."
    ),
)
