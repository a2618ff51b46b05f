"""Whoever was not told reads on the page why, in words, whichever provider it was."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from alerts import call_outcomes, elks_outcomes, outcomes
from alerts.channels import web_push, webhook
from alerts.failover import UNCLEAR_SO_FAR
from alerts.next_ways import NO_RECEIPT
from portal_api.pages_words import REASONS, reason_in_words

ALERTS = Path(__file__).parents[3] / "alerts"
TABLES = (
    *outcomes.TWILIO_REFUSALS.values(),
    *outcomes.TWILIO_LATER.values(),
    *outcomes.TWILIO_RECEIPT_FAILURES.values(),
    *outcomes._FAILED_WORDS,
    *outcomes._REFUSAL_BY_STATUS.values(),
    *call_outcomes._NOT_REACHED.values(),
    *elks_outcomes._OF_US.values(),
    *elks_outcomes._LATER.values(),
    *web_push._REFUSED.values(),
    *web_push._LATER.values(),
    *webhook._LATER.values(),
    NO_RECEIPT,
    UNCLEAR_SO_FAR,
)


def in_the_source() -> Iterator[str]:
    """Yield the names that outcomes are given where they are made, an error or number behind them left out."""
    for path in ALERTS.rglob("*.py"):
        module = import_module(".".join(path.relative_to(ALERTS.parent).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OUTCOMES:
                for given in (each.value for each in node.keywords if each.arg == "reason"):
                    yield from _texts(given, module)


OUTCOMES = {"Refused", "TryLater", "Unclear"}


def _texts(given: ast.expr, module: ModuleType) -> Iterator[str]:
    match given:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text.partition(":")[0]
        case ast.Name(id=name) if isinstance(text := getattr(module, name, None), str):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body, module)
            yield from _texts(other, module)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _texts(each, module)


def test_each_reason_for_which_a_message_does_not_get_through_has_words() -> None:
    named = {each if isinstance(each, str) else each[0] for each in TABLES} | set(in_the_source())
    assert {"not_found", "http_", "worker_lost", "queue_overflow", "channel_not_configured"} <= named
    assert named - set(REASONS) == set()


@pytest.mark.parametrize("reason", ["http_500", "server_said_451", "answer_lost: ClientError"])
def test_what_a_provider_said_besides_is_for_the_operator(reason: str) -> None:
    said = reason_in_words(reason)
    assert said in REASONS.values()
    assert not any(each.isdecimal() for each in said)
