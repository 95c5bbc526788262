"""The shape of a body: no parser sees what nests too deep or is too long, and nothing else is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.json_limits import DEEPEST, LONGEST, check_json
from serving.problems import Refused

LEAVES = st.one_of(st.none(), st.integers(), st.text(alphabet='[]{},"\\a:', max_size=20))
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text('[{",\\', max_size=5), inner))


def depth(value: Any) -> int:
    if not isinstance(value, (list, dict)):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(TREES, st.integers(0, 40), st.booleans())
def test_depth_is_counted_as_the_parser_does(inner: Any, more: int, objects: bool) -> None:
    value = [inner] * 3
    for _ in range(more):
        value = {"[": value} if objects else [value]  # type: ignore[assignment]
    body = json.dumps([value] * 2, ensure_ascii=False).encode() + b" " * 3
    padded = b"[" + b"[],[{}]," * DEEPEST + body + b"]"  # so that counting brackets is not enough
    refused = depth(value) + 2 > DEEPEST
    if refused:
        with pytest.raises(Refused, match="deeper"):
            check_json(padded)
    else:
        check_json(padded)


@pytest.mark.parametrize("body", [b"[" * 500_000, b'{"a":' * 100_000, b"[{" * 33, b"[" * 300_000 + b"]" * 200_000])
def test_what_never_closes_is_refused_too(body: bytes) -> None:
    with pytest.raises(Refused, match="deeper"):
        check_json(body)


@pytest.mark.parametrize(("elements", "fits"), [(LONGEST, True), (LONGEST + 1, False)])
def test_an_array_ends_at_its_limit_wherever_it_is(elements: int, fits: bool) -> None:
    inner = ",".join(['{"a":[1,2,3]}'] * elements)
    for body in (f"[{inner}]", f'{{"batch":[{inner}],"x":[[],[1]]}}', f'[[["a,b"],[{inner}]]]'):
        if fits:
            check_json(body.encode())
        else:
            with pytest.raises(Refused, match=r"10,000"):
                check_json(body.encode())


def test_many_short_arrays_are_fine() -> None:
    check_json(json.dumps([[1, 2, 3, 4, 5]] * 9_999).encode())


@pytest.mark.parametrize("body", [b'"[[[[' * 50, b'"\\"' + b"[" * 100 + b'"', b"]" * 100 + b"[" * 5, b""])
def test_brackets_in_texts_are_texts(body: bytes) -> None:
    if body.startswith(b'"\\'):
        check_json(body)
    check_json(b'{"text": ' + json.dumps("[{" * 500 + '"\\').encode() + b"}")
