"""`isocket privacy breach ...`: from the moment somebody knows of a breach until everybody has heard of it."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isocket.app.command import refuse, run, words_in
from isocket.app.settings import Settings
from isocket.app.terms import controller_of
from isocket.domain.breach_drafts import draft
from isocket.domain.breaches import Breach, BreachKind, Decision, NoticeWords, ReportWords, decisions, dues
from isocket.domain.regulation import Duty, ProductEvent, Risk
from isocket.kit.clock import to_text
from isocket.storage import breach_register as register
from isocket.storage.breach_register import NotNow, Opening

if TYPE_CHECKING:
    from isocket.app.house import House

breach = typer.Typer(
    help="A breach of personal data: who is concerned, who was told, what is due.", no_args_is_help=True
)
BreachId = Annotated[str, typer.Argument(metavar="BREACH", help="The id that `open` printed.")]
Scope = Annotated[
    list[str] | None,
    typer.Option("--open", help="What was open: a field (`contacts.phone`), a collection, or `*` for everything."),
]
Moment = Annotated[str, typer.Option(metavar="TIME", help="RFC 3339, such as 2026-11-22T12:00:00Z.")]
Words = Annotated[
    Path,
    typer.Option(help="A TOML file with a table for each language (`\\[en]` at least), see docs/privacy.md."),
]
OPERATOR = "operator"
_OPTIONS = {"scope": "--open", "kinds": "--kind", "accounts": "--account", "why_risk": "--why"}


@breach.command(name="open")
def open_one(
    *,
    what: Annotated[str, typer.Option(help="What happened, as far as it is known.")],
    risk: Annotated[Risk, typer.Option(help="What it may do to the people whom it concerns.")],
    why: Annotated[str, typer.Option(help="Why the risk is judged so.")],
    aware_at: Moment,
    began_at: Moment,
    kind: Annotated[list[BreachKind], typer.Option(help="What was broken; may be given several times.")],
    ended_at: Moment = "",
    scope: Scope = None,
    provider: Annotated[str, typer.Option(help="All that this provider was handed in that time.")] = "",
    looked: Annotated[str, typer.Option(help="All that whoever has this id (staff, a token) was shown.")] = "",
    account: Annotated[list[str] | None, typer.Option(help="Only these accounts and whom they entered.")] = None,
    event: Annotated[ProductEvent, typer.Option(help="What it is as an event of the product.")] = ProductEvent.NONE,
) -> None:
    """Open a breach; print it with its clocks, and whom it concerns."""
    given = Opening(
        what=what,
        kinds=tuple(dict.fromkeys(kind)),
        risk=risk,
        why_risk=why,
        event=event,
        aware_at=_moment(aware_at, "--aware-at"),
        began_at=_moment(began_at, "--began-at"),
        ended_at=_moment(ended_at, "--ended-at") if ended_at else None,
        scope=tuple(scope or ()),
        provider=provider,
        recipient_id=looked,
        accounts=tuple(account or ()),
    )

    async def work(house: "House") -> Breach | NotNow:
        return await register.open_breach(house.records, given, by=OPERATOR, now=house.clock.now())

    _act(work)


@breach.command(name="affected")
def work_out(breach_id: BreachId, scope: Scope = None, began_at: Moment = "", ended_at: Moment = "") -> None:
    """Work out anew whom a breach concerns, after more was found to be open where that is given."""

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        return await register.widen(
            house.records,
            found,
            scope=tuple(scope or ()),
            began_at=_moment(began_at, "--began-at") if began_at else None,
            ended_at=_moment(ended_at, "--ended-at") if ended_at else None,
        )

    _act_on(breach_id, work)


@breach.command(name="assess")
def judge(
    breach_id: BreachId,
    risk: Annotated[Risk, typer.Option(help="What it may do to people.")],
    why: Annotated[str, typer.Option(help="Why it is judged so.")],
    event: Annotated[
        ProductEvent | None, typer.Option(help="What it is as an event of the product; if absent, as it was.")
    ] = None,
    fixed_at: Moment = "",
) -> None:
    """Judge a breach anew: the duties follow from that."""

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        fixed = _moment(fixed_at, "--fixed-at") if fixed_at else None
        return await register.assess(
            house.records, found, risk=risk, why=why, event=event, fixed_at=fixed, now=house.clock.now()
        )

    _act_on(breach_id, work)


@breach.command(name="authority")
def note_authority(
    breach_id: BreachId,
    duty: Annotated[Duty, typer.Option(help="Which duty.")],
    told_at: Moment = "",
    reference: Annotated[str, typer.Option(help="Under which they have it.")] = "",
    reason: Annotated[str, typer.Option(help="Why it was not told, or late.")] = "",
) -> None:
    """Note that an authority was told; or, without `--told-at`, why it was not."""

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        told = _moment(told_at, "--told-at") if told_at else None
        decision = Decision(told_at=told, reference=reference, reason=reason)
        return await register.decide(house.records, found, duty, decision, now=house.clock.now())

    _act_on(breach_id, work)


@breach.command(name="notify")
def notify(breach_id: BreachId, words: Words) -> None:
    """Tell everybody who is concerned what happened; the words stand at /breaches as well, so name nobody.

    It goes out at once and stays as it was told: what turns out to be wrong in it is told by `report`.
    """
    said = words_in(words, NoticeWords)

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        return await register.give_notice(house.records, found, said, now=house.clock.now())

    _act_on(breach_id, work)


@breach.command(name="report")
def report(breach_id: BreachId, words: Words) -> None:
    """Tell the same people what was done, and what was wrong in the first word; it goes out once and stays too."""
    said = words_in(words, ReportWords)

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        return await register.give_report(house.records, found, said, now=house.clock.now())

    _act_on(breach_id, work)


@breach.command(name="close")
def close(
    breach_id: BreachId, lesson: Annotated[str, typer.Option(help="What was done, and what is different now.")]
) -> None:
    """Close a breach, once every duty is decided and everybody has heard twice."""

    async def work(house: "House", found: Breach) -> Breach | NotNow:
        return await register.close(house.records, found, lesson, now=house.clock.now())

    _act_on(breach_id, work)


@breach.command(name="show")
def show(breach_id: BreachId) -> None:
    """Print one breach with its clocks, and how many were told."""

    async def work(_: "House", found: Breach) -> Breach | NotNow:
        return found

    _act_on(breach_id, work)


@breach.command(name="list")
def list_all() -> None:
    """Print the register (Art. 33(5)), a line of JSON for each breach, the newest first."""
    from isocket.app.house import open_house

    async def work(settings: Settings) -> list[str]:
        async with open_house(settings) as house:
            found = await house.records.find(Breach, order_by="aware_at", descending=True)
            return [json.dumps(_short(each), ensure_ascii=False) for each in found]

    for line in run(work):
        typer.echo(line)


@breach.command(name="draft")
def show_draft(breach_id: BreachId, duty: Annotated[Duty, typer.Option(help="For which.")] = Duty.AUTHORITY) -> None:
    """Print what an authority has to read, as far as it is known: read it before it goes out."""
    from isocket.app.house import open_house

    async def work(settings: Settings) -> str | None:
        async with open_house(settings) as house:
            found = await _found(house, breach_id)
            numbers = await register.numbers(house.records, found)
            return draft(found, duty, controller=controller_of(settings), numbers=numbers)

    text = run(work)
    if text is None:
        refuse(f"As it is judged, this breach has no duty called {duty.value}.")
    typer.echo(text, nl=False)


Work = Callable[["House"], Awaitable[Breach | NotNow]]
WorkOn = Callable[["House", Breach], Awaitable[Breach | NotNow]]


def _act_on(breach_id: str, work: WorkOn) -> None:
    async def find_first(house: "House") -> Breach | NotNow:
        return await work(house, await _found(house, breach_id))

    _act(find_first)


def _act(work: Work) -> None:
    """Do it, let the watch take its next steps at once, and print the breach as it is then."""
    from isocket.app.house import open_house
    from isocket.app.roles import breach_watch_of

    async def act(settings: Settings) -> dict[str, Any] | NotNow:
        async with open_house(settings) as house:
            done = await work(house)
            if isinstance(done, NotNow):
                return done
            await breach_watch_of(house).see_to(done)
            return await _told(house, await _found(house, done.id))

    answer = run(act)
    if isinstance(answer, NotNow):
        refuse(_in_words(answer))
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


async def _found(house: "House", breach_id: str) -> Breach:
    found = await house.records.get(Breach, breach_id)
    if found is None:
        refuse(f"There is no breach {breach_id[:64]}: see `isocket privacy breach list`.")
    return found


def _in_words(answer: NotNow) -> str:
    """Return why not, with the option of which it is said, as it was typed."""
    first, *rest = answer.field.split(".")
    option = _OPTIONS.get(first, f"--{first.replace('_', '-')}" if first else "")
    return ": ".join(each for each in (option, ".".join(rest), answer.message) if each)


def _short(found: Breach) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state,
        "risk": found.harm,
        "what": found.what,
        "aware_at": to_text(found.aware_at),
        "concerned": found.concerned,
        "closed_at": to_text(found.closed_at) if found.closed_at else None,
    }


async def _told(house: "House", found: Breach) -> dict[str, Any]:
    noted = decisions(found)
    return {
        **_short(found),
        "clocks": [
            {
                "duty": each.duty,
                "law": each.law,
                "due_at": to_text(each.due_at) if each.due_at else None,
                "noted": each.duty in noted,
            }
            for each in dues(found)
        ],
        "messages": {name: many for name, many in (await register.numbers(house.records, found)).items() if many},
    }


def _moment(text: str, option: str) -> datetime:
    wrong = typer.BadParameter("write a time with its zone, such as 2026-11-22T12:00:00Z", param_hint=option)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise wrong from None
    if found.tzinfo is None:
        raise wrong
    return found
