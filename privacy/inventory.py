"""Every stored field with how it is handled, read off the classes themselves."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from isocket.domain import STORED
from isocket.domain.handling import Handling
from isocket.domain.record import handling_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored field. Where it tells nothing about a person, all but the names are empty."""

    collection: str
    field: str
    personal: bool
    purpose: str = ""
    basis: str = ""
    keep: str = ""
    export: str = ""
    on_erasure: str = ""
    recipients: tuple[str, ...] = ()
    sealed: bool = False


def inventory() -> tuple[Entry, ...]:
    """Return an entry for each field of each stored class, by collection."""
    return tuple(_entries())


def as_json() -> str:
    """Return the inventory as JSON, one list of objects."""
    return json.dumps([asdict(entry) for entry in inventory()], indent=2)


def as_markdown() -> str:
    """Return the inventory as one table for people."""
    heads = ("collection", "field", "purpose", "basis", "kept", "export", "erasure", "recipients", "sealed")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cells(entry)) + " |" for entry in inventory()]
    return "\n".join(lines) + "\n"


def _cells(entry: Entry) -> tuple[str, ...]:
    if not entry.personal:
        return (f"`{entry.collection}`", f"`{entry.field}`", "not personal", "", "", "", "", "", "")
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
    )


def _entries() -> Iterator[Entry]:
    for kind in STORED:
        for name, how in handling_of(kind).items():
            if not isinstance(how, Handling):
                yield Entry(collection=kind.collection, field=name, personal=False)
                continue
            yield Entry(
                collection=kind.collection,
                field=name,
                personal=True,
                purpose=how.purpose.value,
                basis=how.basis.value,
                keep=how.keep.value,
                export=how.export.value,
                on_erasure=how.on_erasure.value,
                recipients=tuple(each.value for each in how.recipients),
                sealed=how.sealed,
            )
