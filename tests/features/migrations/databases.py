"""Empty databases of both kinds, and what stands in one: to be compared before and after."""

from typing import Any

from sqlalchemy import Engine, inspect, text

from features.database import connect_to

SERIAL = {"sqlite": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL NOT NULL PRIMARY KEY"}
PLAIN_SERIAL = {"sqlite": "INTEGER NOT NULL PRIMARY KEY", "postgresql": "BIGSERIAL NOT NULL PRIMARY KEY"}
BY_CODE_POINT = {"sqlite": "TEXT", "postgresql": 'TEXT COLLATE "C"'}


def made_of(url: str, script: str) -> Engine:
    """A database with what an SQL script says; what the two kinds write differently stands in braces."""
    engine = connect_to(url)
    kind = engine.dialect.name
    words = {"serial": SERIAL[kind], "plain_serial": PLAIN_SERIAL[kind], "by_code_point": BY_CODE_POINT[kind]}
    for name, word in words.items():
        script = script.replace(f"{{{name}}}", word)
    with engine.begin() as connection:
        for statement in filter(None, map(str.strip, script.split(";\n"))):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    return engine


def contents(engine: Engine) -> dict[str, Any]:
    """Every table with its columns, indexes, unique constraints and rows."""
    found = inspect(engine)
    columns, indexes, uniques = (
        found.get_multi_columns(),
        found.get_multi_indexes(),
        found.get_multi_unique_constraints(),
    )
    with engine.connect() as connection:
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in columns[schema, table]],
                sorted((str(index["name"]), tuple(index["column_names"])) for index in indexes[schema, table]),
                sorted(tuple(unique["column_names"]) for unique in uniques[schema, table]),
                sorted(map(repr, connection.execute(text(f'SELECT * FROM "{table}"')).mappings())),
            )
            for schema, table in columns
        }
