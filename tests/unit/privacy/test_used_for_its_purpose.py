"""What was stored for one purpose is not read for another: which part of the software touches which class.

Read off the imports, since nothing can ask the store for a class that it does not name. A new reader fails here until
somebody has thought about it.
"""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from isocket.domain import STORED
from isocket.domain.handling import Handling, Purpose
from isocket.domain.record import Record, handling_of

HOME = Path(__file__).parents[3]
ROOMS = ("broker_bridge", "alerts", "portal_api", "privacy")
pytestmark = pytest.mark.clause("C2-28")


@cache
def readers() -> dict[str, frozenset[str]]:
    """Return the modules (`room.module`) that name a stored class, by its collection."""
    collections = {kind.__name__: kind.collection for kind in STORED}
    found: dict[str, set[str]] = defaultdict(set)
    for room in ROOMS:
        for path in sorted((HOME / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("isocket.domain"):
                    for each in node.names:
                        if each.name in collections:
                            found[collections[each.name]].add(f"{room}.{path.stem}")
    return {name: frozenset(modules) for name, modules in found.items()}


def purposes(kind: type[Record]) -> set[Purpose]:
    return {how.purpose for how in handling_of(kind).values() if isinstance(how, Handling)}


def rooms_of(collection: str) -> set[str]:
    return {module.partition(".")[0] for module in readers().get(collection, ())}


def test_the_bridge_touches_sockets_commands_and_faults_and_nobody_whom_somebody_wants_told() -> None:
    touched: dict[str, set[str]] = defaultdict(set)
    for name, modules in readers().items():
        for each in modules:
            room, _, module = each.partition(".")
            if room == "broker_bridge":
                touched["home" if module.startswith("home") else "all else"].add(name)
    assert touched["all else"] == {"commands", "devices", "listening", "problems"}
    for kind in STORED:
        if kind.collection in touched["all else"]:
            assert purposes(kind) <= {Purpose.SERVICE, Purpose.OPERATION}
    # What a customer's own Home Assistant is told: how their sockets are, and that something is wrong.
    assert touched["home"] <= {"accounts", "commands", "devices", "homes", "incidents"}


def test_what_somebody_gave_for_news_is_read_for_news_and_for_their_rights_only() -> None:
    for kind in STORED:
        if Purpose.PROMOTION in purposes(kind):
            assert readers()[kind.collection] <= {
                "alerts.wanted",  # the last look before a newsletter goes
                "portal_api.subscribing",
                "portal_api.adopting",  # whose mailbox gets an account
                "privacy.newsletter",
                "privacy.choices",
                "privacy.breach_ways",  # whoever reads it is told of a breach as well
                "privacy.belongings",  # goes with the account of the same mailbox
                "privacy.retention",  # a wish that was never answered goes, and its key
            }


def test_what_shows_who_somebody_is_is_read_where_people_come_in_and_by_whoever_erases_it() -> None:
    theirs = {"sessions", "password_resets", "totp_factors", "passkeys", "recovery_codes", "api_tokens"}
    assert theirs <= {kind.collection for kind in STORED}
    for collection in theirs:
        outside = {each for each in readers()[collection] if not each.startswith(("portal_api.", "privacy.eras"))}
        assert outside == set(), collection


def test_what_people_asked_for_by_right_is_read_by_no_room_that_runs_the_service() -> None:
    for collection in (
        "rights_requests",
        "consents",
        "disclosures",
        "acknowledgements",
        "recipient_visits",
        "breaches",
    ):
        assert rooms_of(collection) <= {"portal_api", "privacy"}, collection
    for collection in ("restrictions", "objections"):
        alerts = {each for each in readers()[collection] if each.startswith(("alerts.", "broker_bridge."))}
        assert alerts <= {"alerts.last_look", "alerts.rounds", "alerts.wanted"}, "they leave people alone, and no more"


def test_figures_are_made_of_what_happened_and_never_of_messages_words_or_rights() -> None:
    read = {name for name, modules in readers().items() if "privacy.statistics" in modules}
    assert read == {
        "accounts", "contacts", "devices", "incidents", "deliveries", "objections", "restrictions", "statistics",
    }  # fmt: skip
    source = (HOME / "privacy" / "statistics.py").read_text()
    sealed = {
        name for kind in STORED if kind.collection in read for name, how in handling_of(kind).items()
        if isinstance(how, Handling) and how.sealed
    }  # fmt: skip
    attributes = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert attributes & (sealed - {"name"}) == set(), "`name` is that of a class or thing of the program there"
