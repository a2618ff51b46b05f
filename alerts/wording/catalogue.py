"""Every message in every language with examples, as a page to be read: `docs/messages.md` is made from the code."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from alerts.acknowledging import Acknowledged
from alerts.channels.gsm7 import septets
from alerts.wording import (
    Reader,
    Words,
    alarm_mail,
    alarm_text,
    came_back_notice,
    clear_mail,
    clear_text,
    exhausted_notice,
    signed,
    stopped_notice,
    unanswered_notice,
)
from alerts.wording.account_troubles import trouble_notice, unheard_sentence
from alerts.wording.endpoint_texts import endpoint_words, gone_notice
from alerts.wording.examples import BEGAN, CODE, example_of
from alerts.wording.privacy_letters import privacy_letters
from alerts.wording.several import several_reply
from alerts.wording.spending import spending_notice
from alerts.wording.spoken import alarm_call, clear_call, speech_of
from alerts.wording.taking import (
    already_reply,
    done_reply,
    nothing_reply,
    over_reply,
    started_reply,
    still_mail,
    still_reply,
    still_stopped_reply,
    still_text,
    stopped_reply,
    taken_mail,
    taken_text,
    unknown_reply,
)
from isocket.domain.acknowledgement import ANSWER_WITHIN
from isocket.domain.authorities import authority_of
from isocket.domain.breach_letters import breach_report_text, breach_text
from isocket.domain.contacts import ChannelKind
from isocket.domain.incidents import Cause, Why
from isocket.domain.letters import (
    LANGUAGES,
    Letter,
    activation_mail,
    code_mail,
    code_text,
    code_voice_text,
    known_account_mail,
    new_address_mail,
    old_address_mail,
    reset_mail,
)
from isocket.domain.people_letters import first_contact, gap_left, gap_objected, page_code, page_mail
from isocket.domain.processing import Controller, Office
from isocket.domain.question_letters import question_mail
from isocket.domain.request_letters import (
    answered,
    copy_is_made,
    erasure_is_noted,
    extended,
    late,
    newsletter_no_more,
    page_of_your_own,
    received,
    refused,
    told_no_more,
    who_are_you,
)
from isocket.domain.requests import Right
from isocket.domain.share_letters import share_accepted, share_ended, share_invitation, share_left
from isocket.domain.staff_letters import invited_mail
from isocket.domain.transfer_letters import transfer_done, transfer_offer, transfer_received

NAMES = {"en": "English", "fi": "Suomi", "sv": "Svenska", "de": "Deutsch", "nb": "Norsk bokmål"}
_ZONES = {
    "en": "Europe/London",
    "fi": "Europe/Helsinki",
    "sv": "Europe/Stockholm",
    "de": "Europe/Berlin",
    "nb": "Europe/Oslo",
}
_RECEIVED = datetime(2026, 12, 28, 21, 59, tzinfo=UTC)
_PUBLIC = "https://cloud.example.org"
_CONTROLLER = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
_LINK = f"{_PUBLIC}/hooks/incident/TOKEN"
_INVITED, _OFFERED = f"{_PUBLIC}/shares/accept?token=TOKEN", f"{_PUBLIC}/transfers/accept?token=TOKEN"
_SHARED = f"{_PUBLIC}/devices/EXAMPLE/people"
_PASSCODE = "012345"
_MINUTES = round(ANSWER_WITHIN.total_seconds() / 60)

_OPENING = """# What people read and hear

Made from the code by `make messages`; a test compares. Times are examples in the zone of each language's capital, the
socket is called "Mökki" (one without a name is "iSocket 1", "iSocket 2" and so on), its short code is `K7QF`. The
number behind a text message is how many of the 160 septets of one GSM-7 segment it takes; tests prove for every cause,
with the longest names and values, that one is enough.

No message names an address, a telephone number, a serial number or a person, but for an invitation, which names the
address of whoever invites, and for us: an e-mail about an alarm ends with who answers for it. Who takes an alarm is
"somebody else" to the others. An e-mail carries links of its reader's own; opening one changes nothing, the button on
the page does.
"""


def catalogue() -> str:
    """Return the page, in Markdown."""
    parts = [_OPENING, *(part for language in LANGUAGES for part in _language(language))]
    return "\n".join(parts).rstrip() + "\n"


def _language(language: str) -> Iterator[str]:
    reader = Reader(language=language, time_zone=_ZONES[language])
    yield f"## {NAMES[language]}\n"
    yield from _causes(reader)
    yield from _taking(reader)
    yield from _mails(reader)
    yield from _calls(reader)
    yield from _browsers(reader)
    yield from _codes(language)
    yield from _account(reader)
    yield from _privacy(language)
    yield from _rights(language)


def _causes(reader: Reader) -> Iterator[str]:
    yield "### Text messages of each cause\n"
    yield "| cause | alarm | | its end | |"
    yield "|---|---|---|---|---|"
    for cause in Cause:
        story = example_of(cause)
        alarm, clear = alarm_text(story, reader).text, clear_text(story, reader).text
        yield f"| `{cause}` | {_cell(alarm)} | {septets(alarm)} | {_cell(clear)} | {septets(clear)} |"
    for cause, why, case in (
        (Cause.TEMP_LOW, Why.SETTINGS, "whose limit was taken away"),
        (Cause.TEMP_LOW, Why.LIMIT_CHANGED, "whose limit was changed"),
        (Cause.THERMOSTAT_INEFFECTIVE, Why.NOT_ASKED, "that asks for nothing any more"),
        (Cause.INPUT, Why.DISARMED, "that was disarmed"),
    ):
        story = example_of(cause)
        ends = clear_text(replace(story, incident=replace(story.incident, why_over=why)), reader).text
        yield f"| `{cause}` {case} | | | {_cell(ends)} | {septets(ends)} |"
    for cause in (Cause.TEMP_HIGH, Cause.TEMP_LOW):
        alarm = alarm_text(replace(example_of(cause), is_within=True), reader).text
        yield f"| `{cause}` inside its limit again, but not by enough | {_cell(alarm)} | {septets(alarm)} | | |"
    cut = example_of(Cause.MAINS_LOST)
    alarm = alarm_text(replace(cut, incident=replace(cut.incident, part_of="out_EXAMPLE")), reader).text
    yield f"| `mains_lost` of many at once | {_cell(alarm)} | {septets(alarm)} | | |"
    yield ""


def _taking(reader: Reader) -> Iterator[str]:
    story = example_of(Cause.MAINS_LOST)
    other = replace(story, device_name="Sauna")
    texts = [
        ("to the others, when somebody takes it", taken_text(story, reader).text),
        ("to whoever took it, later", still_text(story, reader).text),
        ("answer: the code of an open alarm", done_reply(story, reader)),
        ("answer: asked, and still on it", still_reply(story, reader)),
        ("answer: taken by somebody else", already_reply(story, reader)),
        ("answer: over", over_reply(story, reader)),
        ("answer: several alarms at once", several_reply(reader.language, {Acknowledged.TAKEN: [story, other]})),
        ("answer: a code that is none", unknown_reply(reader.language, [CODE, "B2XA"])),
        ("answer: nothing is open", nothing_reply(reader.language)),
        ("answer: no more messages", stopped_reply(reader.language)),
        ("answer: messages again", started_reply(reader.language)),
        ("answer: not yet, the mailbox said stop too", still_stopped_reply(reader.language)),
        ("answer: alarms that nobody answered", unheard_sentence(story, reader, number=2)),
    ]
    yield "### Who has taken it, and answers to texts\n"
    yield from _table(texts, counted=True)


def _mails(reader: Reader) -> Iterator[str]:
    story = example_of(Cause.TEMP_LOW)
    yield "### E-mails\n"
    for what, said in (
        ("The alarm", alarm_mail(story, reader, link=_LINK, public_url=_PUBLIC)),
        ("Its end", clear_mail(story, reader, link=_LINK, public_url=_PUBLIC)),
        ("Somebody else has taken it", taken_mail(story, reader, link=_LINK, public_url=_PUBLIC)),
        ("Still on it?", still_mail(story, reader, minutes=_MINUTES, link=_LINK, public_url=_PUBLIC)),
    ):
        yield from _mail(what, signed(said, _CONTROLLER.signature))


def _calls(reader: Reader) -> Iterator[str]:
    speech, story = speech_of(reader.language), example_of(Cause.TEMP_LOW)
    yield "### Calls\n"
    yield from _table(
        [
            ("the alarm", alarm_call(story, reader).text),
            ("the keys", speech.keys),
            ("its end", clear_call(story, reader).text),
            ("after key 1", speech.yours),
            ("taken by somebody else", speech.taken),
            ("over", speech.over),
            ("no key was pressed", speech.unanswered),
            ("after key 9", speech.stop_asked),
            ("after key 9 once more", speech.stopped),
        ]
    )


def _browsers(reader: Reader) -> Iterator[str]:
    own = endpoint_words(reader.language)
    yield "### Notifications in a browser\n"
    yield "Title and text are those of the e-mail's headline and time. Its button, and what is said after it:\n"
    yield from _table([("button", own.take), ("taken", own.taken), ("over", own.over), ("failed", own.failed)])


def _codes(language: str) -> Iterator[str]:
    yield "### Codes\n"
    yield from _table([("text message", code_text(language, _PASSCODE))], counted=True)
    yield from _table([("call", code_voice_text(language, _PASSCODE))])
    letter = code_mail(language, _PASSCODE)
    said = first_contact(language, page=f"{_PUBLIC}/people")
    yield from _mail("By e-mail", Words(subject=letter.subject, text=f"{letter.text}\n{said}\n"))
    yield from _table([("text with the code for their own page", page_code(language, _PASSCODE))], counted=True)
    yield from _mail("The way to their own page", page_mail(language, link=f"{_PUBLIC}/people/open?token=TOKEN"))


def _rights(language: str) -> Iterator[str]:
    """Yield what is written to whoever asks for something by right, of which a copy of their data is the example."""
    due_at, office, authority = _RECEIVED, Office(), authority_of("", at_home="FI")
    kind, link = Right.ACCESS, f"{_PUBLIC}/rights?token=TOKEN"
    page = f"{_PUBLIC}/people"
    yield "### To whoever asks by right\n"
    for what, letter in (
        ("Was it you?", who_are_you(language, kind, link=link)),
        ("It was", received(language, kind, due_at=due_at, office=office, status=link)),
        ("We ask back", question_mail(
            language, "...", request_id="rrq_EXAMPLE", due_at=due_at, controller=_CONTROLLER, office=office
        )),
        ("It takes longer", extended(
            language, kind, due_at=due_at, office=office, words="...", authority=authority
        )),
        ("It is late", late(language, kind, due_at=due_at, office=office, authority=authority)),
        ("The answer", answered(
            language, kind, words=page_of_your_own(language, page=page), authority=authority
        )),
        ("A refusal", refused(language, Right.ERASURE, words="...", authority=authority)),
    ):  # fmt: skip
        yield from _mail(what, letter)
    for words in (
        copy_is_made(language, page=page),
        erasure_is_noted(language, due_at=due_at, office=office, receipt=link),
        told_no_more(language),
        newsletter_no_more(language),
    ):
        yield f"> {words}\n"


def _account(reader: Reader) -> Iterator[str]:
    story = example_of(Cause.MAINS_LOST)
    yield "### To the owner\n"
    notices: list[tuple[str, Words | Letter]] = [
        ("Nobody could be told", exhausted_notice(story, reader, public_url=_PUBLIC)),
        ("Nobody has taken it", unanswered_notice(story, reader, public_url=_PUBLIC)),
        ("A contact wants no more messages", stopped_notice(reader, public_url=_PUBLIC)),
        ("A contact wants messages again", came_back_notice(reader, public_url=_PUBLIC)),
        ("Nobody can be told", trouble_notice(example_of(Cause.NO_RECIPIENT), reader, public_url=_PUBLIC)),
        ("Messages do not arrive", trouble_notice(example_of(Cause.DELIVERY_BROKEN), reader, public_url=_PUBLIC)),
    ]
    for letter, what in (
        (activation_mail(reader.language, f"{_PUBLIC}/activate?token=TOKEN"), "A new account"),
        (known_account_mail(reader.language, f"{_PUBLIC}/reset?token=TOKEN"), "An account that there is already"),
        (invited_mail(reader.language), "An account where there is an invitation to staff"),
        (reset_mail(reader.language, f"{_PUBLIC}/reset?token=TOKEN"), "A new password"),
        (new_address_mail(reader.language, f"{_PUBLIC}/address?token=TOKEN"), "To the new address of an account"),
        (old_address_mail(reader.language, f"{_PUBLIC}/address-undo?token=TOKEN"), "To the old one"),
        (share_invitation(reader.language, owner="owner@example.org", link=_INVITED, days=14), "A socket is shared"),
        (share_accepted(reader.language, link=_SHARED), "To its owner: it was accepted"),
        (share_left(reader.language, link=_SHARED), "To its owner: it was given back"),
        (share_ended(reader.language), "To the guest: it is over"),
        (transfer_offer(reader.language, owner="owner@example.org", link=_OFFERED, days=14), "A socket is handed over"),
        (transfer_done(reader.language), "To the owner before"),
        (transfer_received(reader.language, link=f"{_PUBLIC}/devices/EXAMPLE"), "To the owner from now on"),
        (gap_left(reader.language, link=f"{_PUBLIC}/contacts"), "A contact was erased at their own wish"),
        (gap_objected(reader.language, link=f"{_PUBLIC}/contacts"), "A contact objects"),
    ):
        notices.append((what, letter))
    for percent, what in ((80, "Most of the month's money is spent"), (100, "All of it is spent")):
        notices.append((what, spending_notice(
            reader, percent=percent, spent_micro=percent * 100_000, cap_micro=10_000_000, currency="EUR",
            public_url=_PUBLIC,
        )))  # fmt: skip
    gone = ((ChannelKind.PUSH, "A device gets no alarms any more"), (ChannelKind.WEBHOOK, "Nor does a program"))
    notices += [(what, gone_notice(kind, reader, link=f"{_PUBLIC}/contacts")) for kind, what in gone]
    for what, said in notices:
        yield from _mail(what, said)


def _privacy(language: str) -> Iterator[str]:
    yield "### Newsletter, restriction, policy, breach\n"
    for what, letter in privacy_letters(language, day=BEGAN, public_url=_PUBLIC):
        yield from _mail(what, letter)
    page = f"{_PUBLIC}/breaches"
    texts = [
        ("text about a breach", breach_text(language, page=page)),
        ("text: what was done about it", breach_report_text(language, page=page)),
    ]
    yield from _table(texts, counted=True)


def _table(rows: Sequence[tuple[str, str]], *, counted: bool = False) -> Iterator[str]:
    yield "| when | what |" + (" |" if counted else "")
    yield "|---|---|" + ("---|" if counted else "")
    for when, said in rows:
        yield f"| {when} | {_cell(said)} |" + (f" {septets(said)} |" if counted else "")
    yield ""


def _mail(what: str, said: Words | Letter) -> Iterator[str]:
    yield f"{what}: **{said.subject}**\n"
    yield "```text"
    yield said.text.rstrip()
    yield "```\n"


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("\n", " ")
