"""What `docs/security.md` says is proved has a test of that name."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
ATTACKS = re.split(r"^### ", DOCUMENT, flags=re.MULTILINE)[1:]
NAMED = sorted(set(re.findall(r"`([^`\s]*::[^`\s]*)`", DOCUMENT)))


@cache
def defined_in(path: Path) -> frozenset[str]:
    """Return the names of the tests that a file defines, in its classes as well; nothing is run."""
    tree = ast.parse(path.read_text())
    inside = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name.startswith("Test")]
    bodies = [tree.body, *(each.body for each in inside)]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        each.name for body in bodies for each in body if isinstance(each, functions) and each.name.startswith("test_")
    )


@pytest.mark.parametrize("named", NAMED)
def test_every_test_that_is_named_exists(named: str) -> None:
    where, _, name = named.partition("::")
    path = ROOT / where
    assert where.startswith("tests/")
    assert path.is_file(), f"docs/security.md names {where}, which is not there"
    assert name in defined_in(path), f"docs/security.md names {name}, which {where} does not define"


def test_every_attack_names_a_test() -> None:
    assert len(ATTACKS) >= 30
    without = [each.partition("\n")[0] for each in ATTACKS if "::test_" not in each.partition("\n## ")[0]]
    assert without == []


def test_a_name_that_breaks_off_is_found() -> None:
    lines = [line for line in DOCUMENT.splitlines() if "tests/" in line and ".py" in line]
    assert [line for line in lines if not re.search(r"`tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+`", line)] == []
