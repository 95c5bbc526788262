"""Limits on the shape of a JSON body, held before any parser reads it: how deep it nests, how long its arrays are."""

import re

import numpy as np

from serving.problems import Refused

DEEPEST = 32
"""Containers in containers; what the API takes has no more than eight."""

LONGEST = 10_000
"""Elements of one array or object: ten times the most that a request may have."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{},"))
_STEPS = np.zeros(256, dtype=np.int32)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def check_json(body: bytes) -> None:
    """Raises Refused, `validation_error`, for a body beyond the limits.

    Parsers that recurse give up at depths of their own, some by ending the process. What cannot be beyond a limit by
    the count of its brackets and commas, as almost everything, costs a microsecond; any other body a few passes,
    however it is made. Whether it is JSON at all the parser tells.

    >>> check_json(b'{"batch": [{"event": "a"}]}')
    >>> check_json(b"[" * 40 + b"]" * 40)
    Traceback (most recent call last):
    ...
    serving.problems.Refused: The body nests deeper than 32 levels
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST and body.count(b",") < LONGEST:
        return
    marks = np.frombuffer(_outside_strings(body).translate(None, _OTHERS), dtype=np.uint8)
    depths = np.cumsum(_STEPS[marks])
    if depths.max(initial=0) > DEEPEST:
        raise Refused("validation_error", f"The body nests deeper than {DEEPEST} levels")
    commas, begins = np.flatnonzero(marks == ord(",")), np.flatnonzero(_STEPS[marks] == 1)
    if len(commas) < LONGEST:
        return
    for depth in range(DEEPEST + 1):
        within = np.searchsorted(begins[depths[begins] == depth], commas[depths[commas] == depth])
        if len(within) and np.bincount(within).max() >= LONGEST:
            raise Refused("validation_error", f"An array or object has more than {LONGEST:,} elements")


def _outside_strings(body: bytes) -> bytes:
    """The body without its texts. Where nothing is escaped, as usual, every second part between quotes is a text."""
    return _STRING.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
