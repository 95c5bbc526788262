"""Rows of a file that holds one JSON object a line, each with its line number; a broken line is set aside."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from pipelines.text_rows import BROKEN_JSON, CHUNK_ROWS, UNDECODABLE, BadLine, Part, Row, bare, table_of


def json_parts(file: Iterable[str], columns: Sequence[str]) -> Iterator[Part]:
    """The rows of a file that holds one JSON object a line, in these columns; numbers stay as they are written."""
    decoder = msgspec.json.Decoder(dict[str, object], float_hook=str)
    lines = enumerate(file, start=1)
    yield Part(table_of(columns, [], []))
    while block := list(islice(lines, CHUNK_ROWS)):
        numbers: list[int] = []
        rows: list[Row] = []
        bad: list[BadLine] = []
        for number, line in block:
            try:
                values = decoder.decode(line)
            except UnicodeError:
                bad.append(BadLine(number, UNDECODABLE, bare(line)))
            except (msgspec.MsgspecError, RecursionError):
                if line.strip():
                    bad.append(BadLine(number, BROKEN_JSON, bare(line)))
            else:
                numbers.append(number)
                rows.append([_as_text(values.get(name)) for name in columns])
        yield Part(table_of(columns, numbers, rows), tuple(bad))


def json_columns(file: Iterable[str]) -> tuple[str, ...]:
    """Every key of the objects in a JSON Lines file as first spelled, since names in SQL do not tell `A` from `a`."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    found: dict[str, None] = {}
    for line in file:
        try:
            found.update(dict.fromkeys(decoder.decode(line)))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            continue  # the line is told when the rows are read
    spelled: dict[str, str] = {}
    for name in found:
        spelled.setdefault(name.lower(), name)
    return tuple(spelled.values())


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()
