"""Databases from before there were revisions, whatever of the tables they have."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, Table, create_engine, inspect

from features.database import migrate, open_database
from features.migrations.adopt import adopt
from features.migrations.versions.r0001_first_release import TABLES
from tests.features.migrations.databases import contents, made_of
from tests.features.migrations.test_upgrade import difference


def without(names: set[str]) -> MetaData:
    """The tables of the first release without some tables, indexes and columns that may be null."""
    made = MetaData()
    for table in TABLES.tables.values():
        if table.name in names:
            continue
        kept = [
            column._copy() for column in table.columns if not column.nullable or f"{table}.{column.name}" not in names
        ]
        options: dict[str, Any] = {"sqlite_autoincrement": True} if table.name in ("event", "decision") else {}
        Table(table.name, made, *kept, **options)
    return made


def index_of(table: Table, names: set[str], connection: Connection) -> None:
    """Its indexes as they are, without those of these names; and without those over a column that is missing."""
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for index in table.indexes:
        if index.name not in names and present >= set(index.columns.keys()):
            index.create(connection)


NULLABLE = [f"{table}.{column.name}" for table in TABLES.tables.values() for column in table.columns if column.nullable]
INDEXES = [str(index.name) for table in TABLES.tables.values() for index in table.indexes]


@settings(max_examples=25)
@given(st.sets(st.sampled_from([*TABLES.tables, *NULLABLE, *INDEXES])))
def test_whatever_is_missing_is_made(names: set[str]) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN")
        partial = without(names)
        partial.create_all(connection)
        for table in partial.tables:
            for index in inspect(connection).get_indexes(table):
                connection.exec_driver_sql(f'DROP INDEX "{index["name"]}"')
            index_of(TABLES.tables[table], names, connection)
        assert adopt(connection) is bool(partial.tables)
        if partial.tables:
            assert not difference(connection, TABLES)
    engine.dispose()


def test_what_others_put_beside_it_stays(empty_url: str) -> None:
    script = """
CREATE TABLE event (position {serial}, "key" TEXT NOT NULL, type TEXT NOT NULL, occurred_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL, user_id TEXT, anonymous_id TEXT, payload TEXT NOT NULL, theirs TEXT, UNIQUE ("key"));
CREATE INDEX theirs ON event (type);
CREATE TABLE other (x TEXT);
INSERT INTO other VALUES ('kept');
"""
    made_of(empty_url, script).dispose()
    engine = open_database(empty_url)
    found = contents(engine)
    assert found["other"][3] == ["{'x': 'kept'}"]
    assert ("theirs", ("type",)) in found["event"][1]
    assert "theirs" in [name for name, *_ in found["event"][0]]
    assert ("event_of_user", ("user_id", "position", "occurred_at")) in found["event"][1]
    engine.dispose()


@pytest.mark.parametrize(
    "wrong",
    [
        "CREATE TABLE lease (name TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, until TEXT NOT NULL)",
        "CREATE TABLE lease (name TEXT NOT NULL PRIMARY KEY, owner TEXT, until BIGINT NOT NULL)",
    ],
)
def test_a_table_of_another_kind_is_refused_and_nothing_is_made(empty_url: str, wrong: str) -> None:
    engine = made_of(empty_url, wrong)
    before = contents(engine)
    with pytest.raises(RuntimeError, match="'lease' is here that no version of Kairos made"):
        migrate(engine)
    assert contents(engine) == before
    engine.dispose()
