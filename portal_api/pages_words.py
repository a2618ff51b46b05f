"""The words of the pages, in English: causes, reasons, states and notes, each under the name it has in the records."""

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {"en": "English", "fi": "Suomi", "sv": "Svenska", "de": "Deutsch", "nb": "Norsk bokmål"}
)

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "mains_lost": "Mains power is out",
        "battery_low": "The battery is low",
        "shutdown_imminent": "The battery is nearly empty",
        "temp_high": "Too warm",
        "temp_low": "Too cold",
        "temp_rate": "The temperature is changing fast",
        "temp_fault": "A thermometer is faulty or missing",
        "input": "Alarm at an input",
        "credit_low": "The prepaid credit is low",
        "unauthorised": "Somebody without permission tried to use it",
        "restarted": "It has restarted",
        "offline": "No contact",
        "thermostat_ineffective": "The thermostat has no effect",
        "command_failed": "A command was not carried out",
        "signal_low": "The mobile signal is weak",
        "flapping": "Unstable, comes and goes",
        "no_recipient": "Nobody can be told of alarms",
        "delivery_broken": "Messages do not reach the contacts",
        "test": "Test alarm",
    }
)

SEVERITIES: Mapping[str, str] = MappingProxyType(
    {"critical": "critical", "major": "major", "minor": "minor", "info": "for the record only: nobody is told"}
)

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "on": "Switch on",
        "off": "Switch off",
        "on_for": "Switch on for a time",
        "off_for": "Switch off for a time",
        "restart": "Off and on again",
        "pulse": "Pulse",
        "aux_on": "Second output on",
        "aux_off": "Second output off",
        "arm": "Arm the inputs",
        "disarm": "Disarm the inputs",
        "status": "Report now",
        "credit": "Ask for the credit",
        "reboot": "Restart the device",
    }
)

COMMAND_STATES: Mapping[str, str] = MappingProxyType(
    {
        "queued": "waiting to be sent",
        "sent": "sent, no answer yet",
        "executed": "done",
        "rejected": "refused by the socket",
        "failed": "failed",
        "expired": "too late, not done",
    }
)

TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "state": "in a report",
        "alarm": "in an alarm",
        "ack": "in an answer to a command",
        "reported": "in its settings",
        "status": "in whether it is connected",
    }
)
"""In which message of a socket something was."""

POWER_ON: Mapping[str, str] = MappingProxyType({"remember": "As it was before", "on": "Always on", "off": "Always off"})

CHANNELS: Mapping[str, str] = MappingProxyType(
    {"sms": "text message", "voice": "call", "email": "e-mail", "push": "notification", "webhook": "web hook"}
)

ICONS: Mapping[str, str] = MappingProxyType(
    {"sms": "phone", "voice": "call", "email": "mail", "push": "bell", "webhook": "signal"}
)

REASONS: Mapping[str, str] = MappingProxyType(
    {
        # why something is not sent
        "removed": "the contact was removed",
        "paused": "they asked us to stop",
        "restricted": "the data of this account is only kept, and its owner chose that nobody is alarmed",
        "withdrawn": "it is not wanted any more",
        "no_address": "there is no address for it",
        "unverified": "the address is not verified yet",
        "address_changed": "the address was changed",
        "quiet_hours": "it is within their quiet hours",
        "cap_reached": "as many alarms went out as the ladder allows",
        "substituted": "somebody else is told in their place",
        "stand_in_unreachable": "their substitute has no verified address",
        "not_by_call": "nobody is called for that",
        "acknowledged": "somebody has seen to it",
        "closed": "it was over by then",
        "came_late": "it was over when we heard of it",
        "explained_by_mains_lost": "the mains failure explains it",
        "explained_by_flapping": "it comes and goes, which was told once",
        "explained": "another alarm explains it",
        "found_by_audit": "it had been left lying, and is told again",
        "explained_by_outage": "many sockets are out of reach at once, which is no matter of this one",
        "still_silent_after_outage": "the others are heard again and this one is not",
        "outage_lasts_too_long": "many sockets are still out of reach",
        "part_of_power_cut": "several other sockets lost power at the same time",
        "nobody_to_tell": "there is nobody who could be told",
        "information_only": "it is for the record only",
        "expired": "it was too late to be of use",
        "opted_out": "they told the provider to stop",
        "stop_reply": "they asked us to stop",
        "stop_key": "they asked us to stop, by a key in a call",
        "unclear": "nobody could tell whether it went out",
        "reached_meanwhile": "they have it by another way",
        "told_since": "another message about it has gone to them since",
        "spending_cap": "what this month may cost is used up",
        "channel_not_configured": "nothing goes out this way here",
        # how a try ended
        "challenge_not_answered": "the program did not answer as agreed",
        "address_forbidden": "its address is not one that we call",
        "text_too_long": "the text was too long",
        "endpoint_gone": "the browser or program is not there any more",
        "number_invalid": "the provider does not know the number",
        "address_invalid": "the address is not valid",
        "recipient_refused": "their mail server refused the address",
        "mail_refused": "their mail server refused the message",
        "provider_unavailable": "the provider did not answer",
        "too_many_requests": "the provider was busy",
        "request_timeout": "the provider took too long",
        "deadline": "the provider took too long",
        "failed_after_acceptance": "it failed after the provider took it",
        "no_key": "nobody pressed a key",
        "line_busy": "the line was busy",
        "call_not_answered": "nobody answered",
        "call_failed": "the call could not be put through",
        "call_blocked": "the provider does not call the number",
        "too_many_calls": "the provider had too many calls of ours",
        "not_a_mobile": "it is a landline, where no text arrives",
        "no_route": "the provider has no way to the number",
        "number_unknown": "the number is not in use",
        "number_unverified": "the provider calls and writes only to numbers that were verified with it",
        "handset_unreachable": "the telephone is off or out of reach",
        "blocked": "their carrier does not take messages from us",
        "filtered": "their carrier took it for advertising",
        "country_not_enabled": "the provider does not reach that country for us",
        "sender_invalid": "the provider or the carrier does not take our sender",
        "sender_unknown_there": "the carrier or the country does not take our sender",
        "account_empty": "our account at the provider is empty",
        "account_suspended": "our account at the provider is suspended",
        "account_unknown": "the provider does not know our account",
        "daily_cap": "what the provider sends for us in a day is used up",
        "credentials": "the provider refused our login",
        "server_refuses_us": "the mail server refused us",
        "sender_refused": "the mail server refused our address",
        "mail_invalid": "the message could not be made into a mail",
        "policy": "their mail server refused it by its rules",
        "refused": "the provider refused it",
        "nothing_sent": "the provider could not be reached",
        "changed_meanwhile": "something changed just before it went, so it is looked at again",
        "not_sendable": "the message could not be sent",
        "redirected": "the program sent us elsewhere, where we do not go",
        "answer_lost": "the answer was lost",
        "answer_unreadable": "the answer could not be read",
        "no_message_id": "the answer could not be read",
        "http_": "the provider had a fault of its own",
        "server_said_": "the mail server asked us to come later",
        "server_cannot_do_it": "the mail server lacks what we need of it",
        "queue_overflow": "too much was waiting at the provider",
        "segment_lost": "a part of it was lost on its way",
        "partially_delivered": "only a part of it arrived",
        "undelivered": "the carrier could not deliver it",
        "carrier_timeout": "the carrier took too long",
        "unknown": "the carrier gave no reason",
        "failed": "the provider could not send it",
        "canceled": "the provider called it off",
        "price_cap": "it would have cost more than the provider may spend on it",
        "callback_address": "the provider does not take our own address",
        "text_missing": "the text was missing",
        "no_receipt": "no receipt has come",
        "unclear_so_far": "nobody can tell yet whether it went out",
        "stands_behind": "it waits behind others that the provider does not carry",
        # why nobody can tell
        "nothing_kept": "the provider keeps nothing of it that we could ask for",
        "smtp_cannot_be_asked": "a mail server tells nobody later",
        "look_up_failed": "the provider could not be asked",
        "not_found": "the provider does not know of it so far",
        "found_several": "the provider has several like it",
        "worker_lost": "whatever was sending it ended in between",
        "channel_failed": "something broke on our side",
        "store_unavailable": "our own store could not be reached",
        "attempt_unknown": "our own store does not know of it",
        # why an incident is over
        "over": "the trouble is over",
        "device_says_over": "the socket says it is over",
        "device_was_heard": "the socket was heard again",
        "disarmed": "the inputs were disarmed",
        "device_started_again": "the socket started again",
        "ends_by_itself": "such an alarm ends by itself",
        "settings_changed": "the settings were changed",
        "limit_changed": "its limit was changed",
        "nothing_asked": "the thermostat asks for nothing any more",
        "steady_again": "it has not come back for a while",
        "lasts_now": "it no longer comes and goes but lasts, and is told as itself",
        "owner_changed": "the socket has another owner",
        # notes
        "deeper": "the battery fell further",
        "silent_as_well": "the socket fell silent as well",
        "another_way": "it did not get through, so they are told by another way",
        "once_more": "it did not get through, so it is tried once more",
        "no_longer_explained": "what explained it is over, and it still lasts",
        "called_back": "the call was called off, for nobody needs it any more",
        "not_answered": "whoever took it did not answer",
        "nobody_to_ask": "whoever took it can no longer be asked",
        "another_command_failed": "another command was not carried out",
        "nobody_reached": "none of your contacts could be reached",
        "not_acknowledged": "your contacts were told, and none has acknowledged",
        "no_recipient": "no step of the ladder leads to a contact with a verified address",
    }
)

TOLD_ABOUT: Mapping[str, str] = MappingProxyType(
    {"alarm": "Told of alarms", "service": "Told of service only", "alarm+service": "Told of alarms and service"}
)

LADDERS: Mapping[str, str] = MappingProxyType(
    {
        "device": "This socket has its own.",
        "account": "The one for all sockets holds.",
        "default": "None is set: everybody with a verified address is told at once, by each of their ways.",
        "service": "Service contacts are told.",
    }
)

LACKS: Mapping[str, str] = MappingProxyType(
    {
        "never_heard": "The socket has never been heard",
        "silent": "The socket is silent: it could raise no alarm of its own",
        "unverified": "is not verified yet",
        "paused": "asked us to stop",
        "no_address": "has no address for it",
        "endpoint_gone": "is not there any more",
        "channel_not_configured": "does not go out here",
        "provider_refuses": "does not go out now: the provider refuses us",
        "spending_cap": "is held back: the spending cap of this month is reached",
        "removed": "The ladder names a contact who was removed",
        "substituted": "is away: somebody else is told",
        "stand_in_unreachable": "cannot stand in: nothing of theirs is verified",
        "quiet_hours": "has quiet hours",
        "last_failed": "did not get through last time",
        "cap_reached": "is left out of alarms that are not critical: the ladder allows no more of them",
        "restricted": "You chose that your data is only kept and that nobody is told of alarms meanwhile",
        "information_only": "Alarms that are for information only are kept for the record, and nobody is told",
    }
)

RECEIPTS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "the provider has taken it",
        "scheduled": "the provider has taken it",
        "queued": "the provider has taken it",
        "sending": "the provider is sending it",
        "sent": "the phone network has it",
        "delivered": "it has arrived",
        "read": "it was read",
        "undelivered": "it did not arrive",
        "failed": "the provider could not send it",
        "canceled": "the provider called it off",
        "initiated": "the provider is calling",
        "ringing": "the telephone rings",
        "in-progress": "somebody, or a voicemail, has answered",
        "completed": "the call is over",
        "busy": "the line was busy",
        "no-answer": "nobody answered",
        "key_pressed": "somebody pressed a key",
    }
)

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "signed-out": "You are signed out.",
        "activated": "Your account is open. Sign in with your password.",
        "password-changed": "Your password is changed, and everybody was signed out. Sign in with the new one.",
        "too-late": "That took too long. Please sign in again.",
        "factor-removed": "Removed. Signing in does not ask for it any more.",
        "wrong-passkey": "That passkey is not as it should be, or it took too long. Please try again.",
        "everything-ended": "Everybody is signed out and the password is locked. Choose a new one by mail.",
        "session-ended": "Signed out there.",
        "all-ended": "Everybody else is signed out.",
        "password-set": "Your password is changed, and everybody else was signed out.",
        "address-changed": "Your address is changed: it signs you in, and alarms go there.",
        "mail-sent": "Look into the new mailbox: the address changes when you follow the link there.",
        "claimed": "The socket is yours. It appears below.",
        "acknowledged": "Acknowledged. Nobody else is alarmed; whoever was is told that it is taken. "
        "The record stays open until the trouble is over.",
        "still-on-it": "Noted: it is still seen to, and nobody else is told.",
        "not-open": "This was acknowledged or over already.",
        "asked": "Asked. The socket's answer appears here in a moment.",
        "saved": "Saved.",
        "program-ended": "Ended. The program gets nothing any more.",
        "home-ended": "Ended. That Home Assistant sees and switches nothing any more.",
        "invited": "Invited. A mail with a link is on its way.",
        "share-ended": "Ended. They see the socket no more.",
        "left": "You gave the shared socket back.",
        "offered": "Offered. A mail with a link is on its way.",
        "taken-back": "The offer is taken back.",
        "given-up": "You gave the socket up. Whoever has its code may claim it.",
        "contact-added": "Added. A code is on its way; type it in below.",
        "contact-entered": "Added. No code was sent: ask for one below.",
        "code-sent": "A code is on its way. Enter it below.",
        "verified": "Verified. Alarms go there from now on.",
        "contact-removed": "Removed.",
        "resumed": "You are told again of alarms.",
        "stands-in": "Entered. They are told for that time, and then the other one again.",
        "back": "Ended. Everybody is told themselves again.",
        "endpoint-removed": "Removed. Nothing more is sent there.",
        "endpoint-asked": "The first message is on its way once more.",
        "endpoint-tried": "A test is on its way.",
    }
)


def reason_in_words(reason: str) -> str:
    """Return a reason in words. Providers' codes and errors may follow its name, which are for the operator."""
    name = reason.partition(":")[0].partition(" ")[0].rstrip("0123456789")
    return word_for(REASONS, name) if name else "no reason was given"


def note(said: str | None) -> str | None:
    """Return the sentence for the page after a form, None for a word that is none of ours."""
    return NOTES.get(said or "")


def word_for(words: Mapping[str, str], name: str) -> str:
    """Return the words for `name`, or the name itself made readable: a new one must not break a page."""
    return words.get(name) or name.replace("_", " ")
