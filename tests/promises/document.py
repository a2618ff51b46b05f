"""The promises of the privacy policy with the tests that prove them, as a page: `docs/promises.md`."""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.promises.clauses import CLAUSES, PARTS, Clause, Stand

HOME = Path(__file__).parents[2]
PAGE = HOME / "docs" / "promises.md"
_HEAD = """\
# Promises

Made by `make promises` from `tests/promises/clauses.py` and from the marks on the tests; not written by hand.

The [privacy policy](../isocket/policies) is taken apart into {all} clauses: **{proved} are proved by test,
{outside} are outside this software**, each with its reason. A clause is proved as far as its line says, and no
further. What each proof is, the name of its test says.
"""
_ROW = "| {id} | {promise} | {how} | {tests} |"


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """One test that carries the mark of a clause."""

    where: str  # below tests/
    test: str

    @property
    def sentence(self) -> str:
        return self.test.removeprefix("test_").replace("_", " ")


@cache
def proofs() -> dict[str, tuple[Proof, ...]]:
    """Return the tests by the id of the clause that they prove."""
    found: dict[str, list[Proof]] = {}
    for path in sorted((HOME / "tests").rglob("test_*.py")):
        for name, proof in marked(path.read_text(), str(path.relative_to(HOME / "tests"))):
            found.setdefault(name, []).append(proof)
    return {name: tuple(each) for name, each in found.items()}


def marked(source: str, where: str) -> Iterator[tuple[str, Proof]]:
    """Yield each clause that a test of this source proves, by a mark of its own, of its class or of the module."""
    module = ast.parse(source)
    whole = [
        name
        for each in module.body
        if isinstance(each, ast.Assign)
        and any(isinstance(it, ast.Name) and it.id == "pytestmark" for it in each.targets)
        for name in _clauses([each.value])
    ]
    yield from _of(module.body, whole, where)


def _of(body: Iterable[ast.stmt], above: list[str], where: str) -> Iterator[tuple[str, Proof]]:
    for each in body:
        if isinstance(each, ast.ClassDef) and each.name.startswith("Test"):
            yield from _of(each.body, [*above, *_clauses(each.decorator_list)], where)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_"):
            for name in dict.fromkeys([*above, *_clauses(each.decorator_list)]):
                yield name, Proof(where, each.name)


def _clauses(marks: Iterable[ast.expr]) -> list[str]:
    """Return the ids in `pytest.mark.clause("…", …)`, wherever it stands in these expressions."""
    return [
        argument.value
        for mark in marks
        for node in ast.walk(mark)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "clause"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def page() -> str:
    """Return the page as it should be today."""
    count = {stand: sum(each.stand is stand for each in CLAUSES) for stand in Stand}
    lines = [_HEAD.format(all=len(CLAUSES), proved=count[Stand.BUILT], outside=count[Stand.OUTSIDE]).rstrip("\n")]
    for title, clauses in PARTS.items():
        lines += ["", f"## {title}", "", "| id | promise | what becomes of it | proved by |", "|---|---|---|---|"]
        lines += [_row(each) for each in clauses]
    return "\n".join(lines) + "\n"


def _row(clause: Clause) -> str:
    how = clause.how if clause.stand is Stand.BUILT else f"**{clause.stand}**: {clause.how}"
    return _ROW.format(id=clause.id, promise=clause.promise, how=how, tests=_tests(proofs().get(clause.id, ())))


def _tests(found: Iterable[Proof]) -> str:
    by_file: dict[str, list[str]] = {}
    for each in sorted(found):
        by_file.setdefault(each.where, []).append(each.sentence)
    return "<br>".join(f"[{Path(where).stem}](../tests/{where}): {'; '.join(said)}" for where, said in by_file.items())


if __name__ == "__main__":
    sys.stdout.write(page())
