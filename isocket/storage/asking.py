"""Questions that are asked together, worked out once for each way of asking.

An alarm asks eleven in two calls, always alike, and finds three documents: most of what each needs does not depend on
the values that it asks for.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from isocket.domain.record import Record
from isocket.storage.codec import coder_of, collection_of, encode_tested
from isocket.storage.documents import SHAPES, Shape, Shapes, shape_of
from isocket.storage.port import Asked, Op


class _Field(NamedTuple):
    """With which field a value is compared, and of which types it can stay as it is."""

    kind: type[Record]
    name: str
    plain: tuple[type, ...]


class _Worked(NamedTuple):
    """What was worked out for one way of asking."""

    shapes: Shapes
    fields: tuple[_Field, ...]  # of the values


def asked_together(asked: Sequence[Asked]) -> tuple[Shapes, list[Any]]:
    """Return what some questions ask, and their values as documents hold them.

    Raises:
        ValueError: a test names a field that the class does not have, or asks for what does not belong there.
    """
    shapes: list[tuple[type[Record], Shape]] = []
    values: list[Any] = []
    for kind, tests in asked:
        shape, some = shape_of(tests)
        shapes.append((kind, shape))
        values += some
    worked = _worked_out(tuple(shapes))
    return worked.shapes, [
        value if type(value) in plain else encode_tested(kind, name, value)
        for value, (kind, name, plain) in zip(values, worked.fields, strict=True)
    ]


@lru_cache(maxsize=SHAPES)
def _worked_out(asked: tuple[tuple[type[Record], Shape], ...]) -> _Worked:
    fields: list[_Field] = []
    for kind, shape in asked:
        for name, op, number in shape:
            coder = coder_of(kind, name)
            plain = () if coder.encode else coder.accepts
            fields += [_Field(kind, name, plain)] * (number // 2 if op is Op.ONE_OF else number)
    return _Worked(Shapes(tuple((collection_of(kind), shape) for kind, shape in asked)), tuple(fields))
