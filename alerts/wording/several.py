"""The answer to a text that took, or would have taken, several alarms at once: it says of each what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from alerts.acknowledging import Acknowledged
from alerts.channels.gsm7 import fits_one_segment
from alerts.wording.messages import NAME_SEPTETS, Story
from alerts.wording.phrases import what, words
from isocket.domain.letters import spoken

_SHORT_NAME_SEPTETS = 20

Stories = Mapping[Acknowledged, Sequence[Story]]
Names = Mapping[Acknowledged, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """All words of it in one language, in the GSM-7 alphabet; each is followed by a number and which alarms."""

    thanks: str
    taken: str
    confirmed: str
    already: str
    over: str


def several_reply(language: str, stories: Stories) -> str:
    """Return how many alarms came to what, and which ones: all of them, or only their number.

    Of several ways to name them, from socket and cause to the codes, the first is taken that fits one segment.
    """
    told = {outcome: each for outcome, each in stories.items() if each}
    said = SEVERAL[spoken(language)]
    thanks = said.thanks if {Acknowledged.TAKEN, Acknowledged.CONFIRMED} & {*told} else ""
    answer = ""
    for names, between in _ways_to_name(language, told):
        parts = [_counted(getattr(said, outcome), told[outcome], between.join(names[outcome])) for outcome in told]
        answer = thanks + ". ".join(parts)
        if fits_one_segment(answer):
            break
    return answer


def _ways_to_name(language: str, told: Stories) -> Iterator[tuple[Names, str]]:
    """Yield the names of all alarms and what stands between them; the last are none, which always fit."""
    yield {outcome: [_headline(language, each) for each in told[outcome]] for outcome in told}, "; "
    for room in (NAME_SEPTETS, _SHORT_NAME_SEPTETS):  # which socket it is matters more than what is wrong there
        yield {outcome: [_name(language, each, room) for each in told[outcome]] for outcome in told}, ", "
    yield {outcome: _codes(told[outcome]) for outcome in told}, ", "
    yield dict.fromkeys(told, ()), ""


def _counted(words_of_it: str, told: Sequence[Story], which: str) -> str:
    return f"{words_of_it}: {len(told)} ({which})" if which else f"{words_of_it}: {len(told)}"


def _headline(language: str, story: Story) -> str:
    said = what(words(language), story.incident, clear=False, label=story.probe_name, is_within=story.is_within)
    return f"{_name(language, story, NAME_SEPTETS)}: {said}"


def _name(language: str, story: Story, room: int) -> str:
    return f"{words(language).test if story.incident.test else ''}{story.where_within(room)}"


def _codes(told: Sequence[Story]) -> list[str]:
    return list(dict.fromkeys(each.incident.short_code for each in told if each.incident.short_code))


SEVERAL: Mapping[str, Several] = MappingProxyType(
    {
        "en": Several(
            thanks="Thank you. ",
            taken="Alarms that you have taken",
            confirmed="Alarms that you are still on",
            already="Alarms that somebody has taken already",
            over="Alarms that are over already",
        ),
        "fi": Several(
            thanks="Kiitos. ",
            taken="Hälytyksiä, jotka otit hoitaaksesi",
            confirmed="Hälytyksiä, joita hoidat yhä",
            already="Hälytyksiä, joita joku jo hoitaa",
            over="Hälytyksiä, jotka ovat jo ohi",
        ),
        "sv": Several(
            thanks="Tack. ",
            taken="Larm som du nu tar hand om",
            confirmed="Larm som du fortfarande sköter",
            already="Larm som någon redan tar hand om",
            over="Larm som redan är över",
        ),
        "de": Several(
            thanks="Danke. ",
            taken="Von Ihnen übernommene Alarme",
            confirmed="Alarme, um die Sie sich noch kümmern",
            already="Von jemandem schon übernommene Alarme",
            over="Schon beendete Alarme",
        ),
        "nb": Several(
            thanks="Takk. ",
            taken="Alarmer som du nå tar deg av",
            confirmed="Alarmer som du fortsatt følger opp",
            already="Alarmer som noen allerede tar seg av",
            over="Alarmer som allerede er over",
        ),
    }
)
