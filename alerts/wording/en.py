"""The words in English."""

from types import MappingProxyType

from alerts.wording.texts import Texts
from isocket.domain.incidents import Cause, Why

ENGLISH = Texts(
    decimal_mark=".",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    time="{day} {month_name} {hour:02}:{minute:02}",
    test="TEST: ",
    sensor="sensor {number}",
    input="input {number}",
    alarm=MappingProxyType(
        {
            Cause.MAINS_LOST: "mains power is out",
            Cause.BATTERY_LOW: "the battery is low[: {value} %]",
            Cause.SHUTDOWN_IMMINENT: "the battery is nearly empty, it will switch off",
            Cause.TEMP_HIGH: "the temperature is too high[: {value} C]",
            Cause.TEMP_LOW: "the temperature is too low[: {value} C]",
            Cause.TEMP_RATE: "the temperature is changing fast[, now {value} C]",
            Cause.TEMP_FAULT: "a thermometer is faulty or missing",
            Cause.INPUT: "alarm at the input",
            Cause.CREDIT_LOW: "the prepaid credit is low[: {value}]",
            Cause.UNAUTHORISED: "somebody without permission tried to use it",
            Cause.RESTARTED: "it has restarted",
            Cause.OFFLINE: "no contact",
            Cause.THERMOSTAT_INEFFECTIVE: "the thermostat has no effect[: {value} C]",
            Cause.COMMAND_FAILED: "a command was not carried out",
            Cause.SIGNAL_LOW: "the mobile signal is weak",
            Cause.FLAPPING: "comes and goes[: {value}]",
            Cause.NO_RECIPIENT: "nobody can be told of alarms",
            Cause.DELIVERY_BROKEN: "messages do not reach the contacts",
            Cause.TEST: "test alarm",
        }
    ),
    within=MappingProxyType(
        {
            Cause.TEMP_HIGH: "the temperature was too high[, now {value} C]",
            Cause.TEMP_LOW: "the temperature was too low[, now {value} C]",
        }
    ),
    clear=MappingProxyType(
        {
            Cause.MAINS_LOST: "mains power is back",
            Cause.BATTERY_LOW: "the battery is no longer low",
            Cause.SHUTDOWN_IMMINENT: "the battery is no longer nearly empty",
            Cause.TEMP_HIGH: "the temperature is no longer too high",
            Cause.TEMP_LOW: "the temperature is no longer too low",
            Cause.TEMP_RATE: "the temperature is steady again",
            Cause.TEMP_FAULT: "the thermometer works again",
            Cause.INPUT: "the input is at rest again",
            Cause.CREDIT_LOW: "the prepaid credit is no longer low",
            Cause.UNAUTHORISED: "nobody without permission tries to use it any more",
            Cause.RESTARTED: "it runs again",
            Cause.OFFLINE: "contact is back",
            Cause.THERMOSTAT_INEFFECTIVE: "the thermostat has an effect again",
            Cause.COMMAND_FAILED: "the alarm about the command is over",
            Cause.SIGNAL_LOW: "the mobile signal is strong enough again",
            Cause.FLAPPING: "steady again[ after {value} alarms]",
            Cause.NO_RECIPIENT: "somebody can be told of alarms again",
            Cause.DELIVERY_BROKEN: "messages reach the contacts again",
            Cause.TEST: "the test alarm is over",
        }
    ),
    unwatched=MappingProxyType(
        {
            Why.SETTINGS: "its limit was taken away, so this alarm ends",
            Why.LIMIT_CHANGED: "its limit was changed, so this alarm ends",
            Why.NOT_ASKED: "the thermostat asks for nothing any more, so this alarm ends",
            Why.DISARMED: "the input was disarmed, so this alarm ends",
        }
    ),
    elsewhere=", at several other sockets too",
    alarm_sms="{name}: {what}, {time}. Reply {code} to acknowledge",
    clear_sms="{name}: {what}, {time}. Ends alarm {code}",
    mail_when="Began",
    mail_until="Ended",
    mail_code="Code for acknowledging by text message",
    mail_look="See more, and acknowledge",
    mail_see="See more about this alarm",
    mail_contacts="Your contacts",
    mail_acknowledge="Opening the page does not acknowledge the alarm; the button on it does.",
    mail_account="If you have an account",
    mail_why="You get this because the owner of this iSocket named you as a person to be told of alarms.",
    notice_exhausted_subject="Nobody could be told of an alarm",
    notice_exhausted="{name}: {what}, {time}. None of your contacts could be told of it.",
    notice_unanswered_subject="Nobody has acknowledged an alarm",
    notice_unanswered="{name}: {what}, {time}. Your contacts were told, and none of them has acknowledged it.",
    notice_stopped_subject="A contact wants no more messages",
    notice_stopped="One of your contacts asked us to send no more messages. Until that changes, this person is "
    "not told of alarms.",
    notice_came_back_subject="A contact wants messages again",
    notice_came_back="One of your contacts who had stopped our messages asked us to send them again. This person is "
    "told of alarms as before, by the ways that are proved to be theirs.",
    ack_text="Acknowledging ends further messages about this alarm; it stays on record.",
    ack_button="Acknowledge",
    ack_done="This alarm has been acknowledged.",
    ack_over="This is over.",
    stop_title="Stop messages about alarms",
    stop_text="If you stop, we send you nothing more about this iSocket and others of the same "
    "owner, in any way. The owner is told.",
    stop_button="Stop the messages",
    stop_done="You get no more messages.",
    link_over_title="This link is over",
    link_over=(
        "It led to an alarm. Such a link is good for a limited time, or until its reader or their device was "
        "removed. Whoever owns the socket finds the alarm in their account."
    ),
)
