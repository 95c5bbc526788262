"""SQL that writes JSON as `msgspec` reads it: what is missing is left out, and decimals are strings."""

import json
from collections.abc import Mapping


def json_object(fields: Mapping[str, str]) -> str:
    """SQL for a JSON object of `fields`, SQL for JSON by name; those that are NULL are left out.

    >>> import duckdb
    >>> duckdb.sql(f"SELECT {json_object({'a': '1', 'b': 'NULL'})}").fetchall()
    [('{"a":1}',)]
    """
    names = {name: json.dumps(name, ensure_ascii=False).replace("'", "''") for name in fields}
    members = ", ".join(f"'{names[name]}:' || {value}" for name, value in fields.items()) or "NULL"
    return f"('{{' || concat_ws(',', {members}) || '}}')"


def decimal_json(value: str) -> str:
    """SQL for a decimal as JSON: a string, so that no digit is lost, without zeros at its end.

    >>> import duckdb
    >>> duckdb.sql(f"SELECT {decimal_json('2.5000')}").fetchall()
    [('"2.5"',)]
    """
    return f"""('"' || rtrim(rtrim(CAST({value} AS VARCHAR), '0'), '.') || '"')"""
