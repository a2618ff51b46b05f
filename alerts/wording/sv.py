"""The words in Swedish."""

from types import MappingProxyType

from alerts.wording.texts import Texts
from isocket.domain.incidents import Cause, Why

SWEDISH = Texts(
    decimal_mark=",",
    months=(),
    time="{day}/{month} kl. {hour:02}:{minute:02}",
    test="TEST: ",
    sensor="givare {number}",
    input="ingång {number}",
    alarm=MappingProxyType(
        {
            Cause.MAINS_LOST: "strömavbrott",
            Cause.BATTERY_LOW: "batteriet är svagt[: {value} %]",
            Cause.SHUTDOWN_IMMINENT: "batteriet är nästan tomt, enheten stängs snart av",
            Cause.TEMP_HIGH: "temperaturen är för hög[: {value} C]",
            Cause.TEMP_LOW: "temperaturen är för låg[: {value} C]",
            Cause.TEMP_RATE: "temperaturen ändras snabbt[, nu {value} C]",
            Cause.TEMP_FAULT: "en temperaturgivare är trasig eller saknas",
            Cause.INPUT: "larm på ingången",
            Cause.CREDIT_LOW: "kontantkortets saldo är lågt[: {value}]",
            Cause.UNAUTHORISED: "någon utan behörighet försökte använda enheten",
            Cause.RESTARTED: "enheten har startat om",
            Cause.OFFLINE: "ingen förbindelse",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaten har ingen verkan[: {value} C]",
            Cause.COMMAND_FAILED: "ett kommando utfördes inte",
            Cause.SIGNAL_LOW: "mobilsignalen är svag",
            Cause.FLAPPING: "kommer och går[: {value}]",
            Cause.NO_RECIPIENT: "ingen kan få besked om larm",
            Cause.DELIVERY_BROKEN: "meddelanden når inte kontakterna",
            Cause.TEST: "provlarm",
        }
    ),
    within=MappingProxyType(
        {
            Cause.TEMP_HIGH: "temperaturen var för hög[, nu {value} C]",
            Cause.TEMP_LOW: "temperaturen var för låg[, nu {value} C]",
        }
    ),
    clear=MappingProxyType(
        {
            Cause.MAINS_LOST: "strömmen är tillbaka",
            Cause.BATTERY_LOW: "batteriet är inte längre svagt",
            Cause.SHUTDOWN_IMMINENT: "batteriet är inte längre nästan tomt",
            Cause.TEMP_HIGH: "temperaturen är inte längre för hög",
            Cause.TEMP_LOW: "temperaturen är inte längre för låg",
            Cause.TEMP_RATE: "temperaturen är jämn igen",
            Cause.TEMP_FAULT: "temperaturgivaren fungerar igen",
            Cause.INPUT: "ingången är i vila igen",
            Cause.CREDIT_LOW: "kontantkortets saldo är inte längre lågt",
            Cause.UNAUTHORISED: "ingen obehörig försöker längre använda enheten",
            Cause.RESTARTED: "enheten är igång igen",
            Cause.OFFLINE: "förbindelsen är tillbaka",
            Cause.THERMOSTAT_INEFFECTIVE: "termostaten har verkan igen",
            Cause.COMMAND_FAILED: "larmet om kommandot är över",
            Cause.SIGNAL_LOW: "mobilsignalen är stark nog igen",
            Cause.FLAPPING: "stabilt igen[ efter {value} larm]",
            Cause.NO_RECIPIENT: "någon kan få besked om larm igen",
            Cause.DELIVERY_BROKEN: "meddelanden når kontakterna igen",
            Cause.TEST: "provlarmet är över",
        }
    ),
    unwatched=MappingProxyType(
        {
            Why.SETTINGS: "gränsen togs bort, därför slutar larmet",
            Why.LIMIT_CHANGED: "gränsen ändrades, därför slutar larmet",
            Why.NOT_ASKED: "termostaten begär inget längre, därför slutar larmet",
            Why.DISARMED: "bevakningen stängdes av, därför slutar larmet",
        }
    ),
    elsewhere=", även vid flera andra uttag",
    alarm_sms="{name}: {what}, {time}. Kvittera: svara {code}",
    clear_sms="{name}: {what}, {time}. Larm {code} är över",
    mail_when="Började",
    mail_until="Slutade",
    mail_code="Kod för att kvittera via SMS",
    mail_look="Se mer och kvittera",
    mail_see="Se mer om larmet",
    mail_contacts="Dina kontakter",
    mail_acknowledge="Att öppna sidan kvitterar inte larmet; det gör knappen på den.",
    mail_account="Om du har ett konto",
    mail_why="Du får detta för att ägaren till denna iSocket har angett dig som mottagare av larm.",
    notice_exhausted_subject="Ingen kunde nås om ett larm",
    notice_exhausted="{name}: {what}, {time}. Ingen av dina kontakter kunde nås om det.",
    notice_unanswered_subject="Ingen har kvitterat ett larm",
    notice_unanswered="{name}: {what}, {time}. Dina kontakter har fått besked, men ingen av dem har kvitterat.",
    notice_stopped_subject="En kontakt vill inte ha fler meddelanden",
    notice_stopped="En av dina kontakter har bett oss att inte skicka fler meddelanden. Så länge det gäller får "
    "personen inga larm.",
    notice_came_back_subject="En kontakt vill ha meddelanden igen",
    notice_came_back="En av dina kontakter som hade stoppat våra meddelanden har bett om dem igen. Personen får larm "
    "som tidigare, på de sätt som är bekräftade som personens egna.",
    ack_text="Att kvittera avslutar fler meddelanden om det här larmet; det finns kvar i historiken.",
    ack_button="Kvittera",
    ack_done="Larmet är kvitterat.",
    ack_over="Larmet är över.",
    stop_title="Stoppa meddelanden om larm",
    stop_text="Om du stoppar skickar vi inget mer till dig om denna iSocket eller samma ägares "
    "andra, på något sätt. Ägaren får veta det.",
    stop_button="Stoppa meddelandena",
    stop_done="Du får inga fler meddelanden.",
    link_over_title="Länken gäller inte längre",
    link_over=(
        "Den ledde till ett larm. En sådan länk gäller en begränsad tid, eller tills mottagaren eller mottagarens "
        "enhet togs bort. Den som äger uttaget hittar larmet i sitt konto."
    ),
)
