"""The page that a copy of somebody's data begins with: what is in it, what it is for, and who was given what."""

import html
from dataclasses import dataclass, field
from datetime import datetime

from isocket.domain.processing import DECISIONS, FIGURES, RIGHTS, Activity, Controller, activities, to_be_read
from isocket.kit.clock import to_text
from privacy.given import Given, rows_of


@dataclass(slots=True)
class Contents:
    """What came into a copy: how many of each, who was given something, how many values of others were taken out."""

    counts: dict[str, int] = field(default_factory=dict)
    told: Given = field(default_factory=dict)
    of_others: int = 0


def index_page(controller: Controller, contents: Contents, now: datetime) -> str:
    """Return the page."""
    said = html.escape
    answers = f"{controller.name}, {to_be_read(controller.contact)}"
    rows = "".join(f"<tr><td>{said(name)}<td>{count}" for name, count in contents.counts.items())
    whys = "".join(map(_why, activities(controller)))
    rights = "".join(f"<li>{said(each)}" for each in RIGHTS)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data</title>'
        "<style>body{font:1rem/1.5 sans-serif;max-width:70rem;margin:2rem auto}td,th{text-align:left;padding:.3rem}"
        f"</style><h1>Your data</h1><p>Made {to_text(now)} by {said(answers)}.</p>"
        "<p>Records are JSON, with a schema each; what sockets reported are tables. A table of quarters of an hour "
        "stands beside it for the time of which single reports are not kept any more. Secrets are left out and named "
        "as withheld. Where somebody else shares a socket with you, or a message was for them alone, it says "
        f"<q>(another person)</q>: {contents.of_others} times.</p>"
        "<p>Other customers may have entered you as somebody to be told of alarms. What is held of that is theirs as "
        "well as yours: the page <code>/people</code> shows it, and gives it as a file, to whoever has the number or "
        "mailbox.</p>"
        f"<h2>What is in it</h2><table><tr><th>what<th>how many{rows}</table>"
        "<h2>What it is for, how long it is kept, and who gets it</h2>"
        f"<table><tr><th>what for<th>lawful basis<th>categories<th>kept<th>recipients{whys}</table>"
        "<h2>Who was given something</h2><p>Each time is a line of <code>disclosures.csv</code>.</p>"
        f"<table><tr><th>who<th>name or id<th>how often<th>last{rows_of(contents.told)}</table>"
        f"<h2>Your rights</h2><ul>{rights}</ul><h2>Decisions by machines</h2><p>{said(DECISIONS)}</p>"
        f"<h2>Figures of many customers</h2><p>{said(FIGURES)}</p>\n"
    )


def _why(activity: Activity) -> str:
    told = "; ".join(each.told for each in activity.recipients)
    kept = "; ".join(activity.kept)
    cells = (activity.what_for, activity.basis, ", ".join(activity.categories), kept, told)
    return "<tr>" + "".join(f"<td>{html.escape(each)}" for each in cells)
