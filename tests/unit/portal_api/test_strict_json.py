"""The reader of JSON refuses what two readers could understand differently."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_api.strict_json import MAX_BYTES, MAX_DEPTH, StrictJsonError, read_object

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_the_standard_writes_is_read_as_it_was(value: dict[str, object]) -> None:
    raw = json.dumps(value).encode()
    assert read_object(raw) == value


def test_the_deepest_allowed_nesting_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert read_object(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


def test_brackets_inside_text_are_no_nesting() -> None:
    assert read_object(b'{"a": "' + b"[" * 100 + b'\\"{{"}') == {"a": "[" * 100 + '"{{'}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested"),
        (b"[" * 100_00, "nested"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": -1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": 1} {"a": 2}', "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\xc0\xaf"}', "UTF-8"),
        (b'{"a": "\x00"}', "not JSON"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b'{"a": "' + b"x" * MAX_BYTES + b'"}', "longer"),
    ],
)
def test_what_is_not_strict_is_refused_with_the_reason(raw: bytes, says: str) -> None:
    with pytest.raises(StrictJsonError, match=says):
        read_object(raw)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"outer": {"inner": 1, "inner": 2}}', "inner"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"a": {"b": ["\\udc00"]}}', "a.b.0"),
        (b'{"a": 1, "b": [0, 99999999999999999999]}', "b.1"),
        (b'{"a": {"b": -1e999}}', "a.b"),
    ],
)
def test_the_field_to_blame_is_named(raw: bytes, field: str) -> None:
    with pytest.raises(StrictJsonError) as refused:
        read_object(raw)
    assert refused.value.field == field
