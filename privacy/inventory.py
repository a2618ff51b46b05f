"""The inventory and the record of processing, printed for people and for programs."""

import json
from dataclasses import asdict

from isocket.domain.collected import COOKIES, FORM_FIELDS, OUTGOING, TAB_NOTES
from isocket.domain.inventory import Entry, inventory
from isocket.domain.processing import MEASURES, Activity, Controller, activities

_HEADS = (
    "collection", "field", "purpose", "basis", "kept", "export", "erasure", "recipients", "sealed",
    "category", "of whom",
)  # fmt: skip


def as_json() -> str:
    """Return the inventory as JSON, one list of objects."""
    return json.dumps([asdict(entry) for entry in inventory()], indent=2)


def as_markdown() -> str:
    """Return the inventory for people: a table of what is stored, and lists of what else passes through."""
    lines = _table(_HEADS, [_cells(entry) for entry in inventory()])
    lines += ["", "Cookies:", "", *(f"* `{each.name}`: {each.purpose} ({each.life})" for each in COOKIES)]
    lines += ["", "Noted in the tab of a browser:", ""]
    lines += [f"* `{each.key}`: {each.purpose} ({each.life})" for each in TAB_NOTES]
    lines += ["", "Asked for in forms:", "", *(f"* `{name}`: {why}" for name, why in FORM_FIELDS.items())]
    lines += ["", "Handed to providers:", ""]
    lines += [f"* {way}: {each.recipient.value}: {', '.join(each.fields)}" for way, each in OUTGOING.items()]
    return "\n".join(lines) + "\n"


def record_as_json(controller: Controller) -> str:
    """Return the record of processing (Art. 30) as JSON."""
    made = {
        "controller": asdict(controller),
        "activities": [asdict(each) for each in activities(controller)],
        "security_measures": MEASURES,
    }
    return json.dumps(made, indent=2, ensure_ascii=False)


def record_as_markdown(controller: Controller) -> str:
    """Return the record of processing (Art. 30) for people."""
    lines = [
        "# Record of processing activities (Art. 30 GDPR)",
        "",
        f"Controller: {controller.name}, {controller.contact}",
    ]
    for each in activities(controller):
        lines += ["", f"## {each.purpose}: {each.basis}", "", *_rows(each)]
    lines += ["", "## Technical and organisational measures (Art. 32)", "", *(f"* {each}" for each in MEASURES)]
    return "\n".join(lines) + "\n"


def _rows(activity: Activity) -> list[str]:
    told = "; ".join(each.told for each in activity.recipients)
    return [
        f"* What for: {activity.what_for}",
        f"* Whose: {', '.join(activity.subjects)}",
        f"* Categories: {', '.join(activity.categories)}",
        f"* Recipients and their country: {told or 'none'}",
        f"* Kept: {'; '.join(activity.kept)}",
        f"* Fields: {', '.join(f'`{each}`' for each in activity.fields)}",
    ]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _cells(entry: Entry) -> tuple[str, ...]:
    if not entry.personal:
        return (f"`{entry.collection}`", f"`{entry.field}`", "not personal", *[""] * (len(_HEADS) - 3))
    return (
        f"`{entry.collection}`",
        f"`{entry.field}`",
        entry.purpose,
        entry.basis,
        entry.keep,
        entry.export,
        entry.on_erasure,
        ", ".join(entry.recipients) or "none",
        "yes" if entry.sealed else "no",
        entry.category,
        ", ".join(entry.subjects) or "nobody in particular",
    )
