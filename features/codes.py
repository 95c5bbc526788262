"""Codes in the place of ids: a shard compares, joins and sorts them many times, and an integer costs a part of a text.

Texts are looked at once, when rows are read. From then on an id is a place in a list of what ids there are; where an
answer leaves the shard it is a text again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

IDS = ("customer_id", "product_id", "order_id")
"""What is a code in the rows of a shard."""

Names = Mapping[str, pa.Array]
"""The texts of the codes, by column."""

NO_NAMES: Names = MappingProxyType({})


@dataclass(frozen=True)
class Coded:
    """Rows whose `IDS` are codes (int32, null where there is no id), which are ordered as the texts in `names` are."""

    rows: pa.Table
    names: Names


def with_dictionaries(batches: Iterable[pa.RecordBatch], schema: pa.Schema, columns: Sequence[str]) -> pa.Table:
    """The rows with one dictionary a column of `columns`; of texts only those of one batch are in memory at a time."""
    encoded = [_encoded(batch, columns) for batch in chain([pa.RecordBatch.from_pylist([], schema)], batches)]
    return pa.Table.from_batches(encoded).unify_dictionaries()


def compacted(rows: pa.Table) -> pa.Table:
    """The same rows with only those texts in the dictionaries of `IDS` that they name."""
    for place, column in ((rows.schema.get_field_index(name), rows[name]) for name in IDS):
        rows = rows.set_column(place, rows.field(place), column.cast(pa.string()).dictionary_encode())
    return rows


def coded(tables: Sequence[pa.Table]) -> Coded:
    """Rows with dictionaries, each table with its own, as rows with codes."""
    rows = pa.concat_tables([_whole(table) for table in tables]).unify_dictionaries()
    names = {}
    for name in IDS:
        ranks, names[name] = ranked(dictionary_of(rows[name]))
        codes = [pa.array(ranks).take(chunk.indices) for chunk in rows[name].chunks]
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.chunked_array(codes, pa.int32()))
    return Coded(rows, names)


def ranked(texts: pa.Array) -> tuple[NDArray[np.int32], pa.Array]:
    """The place of each of some different texts among all of them in order, and all of them in order."""
    order = pc.sort_indices(texts)
    ranks = np.empty(len(texts), np.int32)
    ranks[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
    return ranks, texts.take(order)


def known_to(names: Names, told: pa.Table) -> pa.Table:
    """What others tell of ids, as codes; what names one that does not occur among `names` is left out."""
    known = np.ones(len(told), bool)
    for name in set(IDS) & set(told.column_names):
        codes = pc.index_in(told[name], value_set=names[name], skip_nulls=True)
        known &= np.asarray(pc.or_(codes.is_valid(), told[name].is_null()))
        told = told.set_column(told.schema.get_field_index(name), name, codes)
    return told.filter(pa.array(known))


def named(table: pa.Table, names: Names) -> pa.Table:
    """The texts again, where `table` has codes."""
    for name in set(names) & set(table.column_names):
        texts = names[name].take(table[name].combine_chunks())
        table = table.set_column(table.schema.get_field_index(name), name, texts)
    return table


def dictionary_of(column: pa.ChunkedArray) -> pa.Array:
    """The texts of a column with one dictionary."""
    return column.chunk(0).dictionary if column.num_chunks else pa.array([], column.type.value_type)


def places_of(column: pa.ChunkedArray) -> NDArray[np.int32]:
    """Where each row's text stands in the dictionary; -1 where there is none."""
    found = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in column.chunks]
    return np.concatenate([np.empty(0, np.int32), *found])


def _whole(table: pa.Table) -> pa.Table:
    """With `IDS` in one piece each: to unify dictionaries, those of all pieces are gone through, the same or not."""
    for name in IDS:
        places = places_of(table[name])
        whole = pa.DictionaryArray.from_arrays(pa.array(places, mask=places < 0), dictionary_of(table[name]))
        table = table.set_column(table.schema.get_field_index(name), name, whole)
    return table


def _encoded(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    for name in columns:
        batch = batch.set_column(batch.schema.get_field_index(name), name, batch[name].dictionary_encode())
    return batch
