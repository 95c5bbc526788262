"""Tables that one step of a build leaves for the next: nearly as they lie in memory, as they are read once or twice."""

from pathlib import Path

import pyarrow as pa


def read(path: Path) -> pa.Table:
    """The table that `write` wrote."""
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def write(table: pa.Table, path: Path) -> None:
    """Write a table, whose chunks share one dictionary a column where there are dictionaries."""
    with pa.ipc.new_file(str(path), table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
