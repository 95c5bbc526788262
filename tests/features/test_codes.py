"""Codes say of ids what the texts say: who is the same, who comes first, and who is not known."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.codes import IDS, coded, compacted, known_to, named, with_dictionaries

SCHEMA = pa.schema([(name, pa.string()) for name in IDS])

ids = st.none() | st.sampled_from(["", "a", "A", "b", "é", "日", "a\x7f", "aa", "\U0001f375"])
batches = st.lists(st.lists(st.tuples(ids, ids, ids), max_size=6), max_size=4)


def rows_of(parts: list[list[tuple[str | None, ...]]]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist([dict(zip(IDS, row, strict=True)) for row in part], SCHEMA) for part in parts]


@given(st.lists(batches, min_size=1, max_size=3))
def test_codes_are_ordered_as_their_texts_and_become_them_again(
    tables: list[list[list[tuple[str | None, ...]]]],
) -> None:
    found = [with_dictionaries(rows_of(parts), SCHEMA, IDS) for parts in tables]
    here = coded([found[0], *(compacted(table) for table in found[1:])])
    told = [row for parts in tables for part in parts for row in part]
    assert named(here.rows, here.names).to_pylist() == [dict(zip(IDS, row, strict=True)) for row in told]
    for column, name in enumerate(IDS):
        pairs = [
            (row[column], code)
            for row, code in zip(told, here.rows[name].to_pylist(), strict=True)
            if row[column] is not None
        ]
        by_text = sorted(pairs, key=lambda pair: pair[0].encode())
        assert [code for _, code in by_text] == sorted(code for _, code in pairs)


def test_what_is_told_of_an_id_that_does_not_occur_is_left_out_and_no_id_stays_none() -> None:
    here = coded([with_dictionaries(rows_of([[("u", "milk", "o1"), ("u", "tea", "o2")]]), SCHEMA, IDS)])
    told = pa.table({"order_id": ["o1", "o2", "o9", "o2", None], "product_id": ["milk", None, "milk", "jam", "tea"]})
    known = known_to(here.names, told)
    assert named(known, here.names).to_pylist() == [
        {"order_id": "o1", "product_id": "milk"},
        {"order_id": "o2", "product_id": None},
        {"order_id": None, "product_id": "tea"},
    ]
