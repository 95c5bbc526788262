"""The last word of many persons on each channel and purpose, worked out by the database: however much they say.

The newest so many words of somebody are no measure: one who repeats a word often enough would crowd out an earlier one
that holds all the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from features.among import NOBODYS, among, given
from features.contact import ANY, CONSENT_EVENTS, Said, weight
from features.database import json_text
from features.log import Log, Record, microseconds, moment
from features.person import Person

MOST = 500
"""Channels and purposes that one person spoke of, each with either word: more than shops have, and few to read."""

_ALWAYS = 2**63 - 1
_TOLD = """
    SELECT {columns}, coalesce({purpose}, '') AS "purpose",
      coalesce(nullif({channel}, ''), CASE WHEN "type" = 'email_marked_as_spam' THEN 'email' ELSE '' END) AS "channel",
      CASE WHEN "type" = 'consent_changed' AND {consent} = 'granted' THEN 1 ELSE 0 END AS "granted"
    FROM "{table}" WHERE {whose} AND "type" IN ({types})"""
_WORDS = """
SELECT "id", "channel", "purpose", "granted", "at" FROM (
  SELECT "id", "channel", "purpose", "granted", max("occurred_at") AS "at", row_number() OVER (
    PARTITION BY "id" ORDER BY CASE WHEN "channel" = '' AND "purpose" = '' THEN 0 ELSE 1 END
  ) AS "number"
  FROM ({told}) AS "told" GROUP BY "id", "channel", "purpose", "granted"
) AS "latest" WHERE "number" <= {most}"""
_RECORDS = """
SELECT {columns} FROM (
  SELECT {columns}, row_number() OVER (
    ORDER BY CASE WHEN "channel" = '' AND "purpose" = '' THEN 0 ELSE 1 END, "granted"
  ) AS "number"
  FROM (
    SELECT *, row_number() OVER (PARTITION BY "channel", "purpose", "granted" ORDER BY "occurred_at" DESC) AS "latest"
    FROM ({told} AND "occurred_at" <= {mark}) AS "told"
  ) AS "words" WHERE "latest" = 1
) AS "found" WHERE "number" <= {most}"""
_WHOSE = {"user_id": "{among}", "anonymous_id": NOBODYS + " AND {among}"}


def consents_of(log: Log, people: Sequence[Person]) -> list[Mapping[tuple[str, str], Said]]:
    """The last word of each person by (channel, purpose), as `Contact.consents` has it, of everything in the log.

    Of somebody who spoke of more than `MOST` only the word on everything is told, so that nothing stands against it.
    """
    found: list[dict[tuple[str, str], Said]] = [{} for _ in people]
    dialect = log.engine.dialect.name
    for column in _WHOSE:
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, person in enumerate(people):
            for id_ in person.user_ids if column == "user_id" else person.anonymous_ids:
                places[id_].append(place)
        ids = sorted(places)
        statement = _filled(log, _WORDS, column, len(ids), f'"{column}" AS "id", "occurred_at"')
        for id_, channel, purpose, granted, at in log.read_by(statement, tuple(given(dialect, ids))) if ids else ():
            said = Said("granted" if granted else "withdrawn", moment(at))
            for place in places[id_]:
                theirs, scope = found[place], (channel, purpose)
                if len(theirs) <= MOST or scope == (ANY, ANY) or scope in theirs:
                    theirs[scope] = max(theirs.get(scope, said), said, key=weight)
    return [words if len(words) <= MOST else _of_everything(words) for words in found]


def last_words(log: Log, person: Person, until: datetime | None = None) -> list[Record]:
    """The records of what a person said last until a moment, either word on each channel and purpose: for who reads the
    latest of somebody with more words than that. Of very many those on everything come first, then withdrawals.
    """
    end, found = _ALWAYS if until is None else microseconds(until), list[Record]()
    columns = ", ".join(f'"{name}"' for name in Record.__slots__)
    for column, ids in (("user_id", person.user_ids), ("anonymous_id", person.anonymous_ids)):
        if ids:
            statement = _filled(log, _RECORDS, column, len(ids), columns)
            told = (*given(log.engine.dialect.name, ids), end)
            found += (Record(*row) for row in log.read_by(statement, told))
    return found


def _of_everything(words: Mapping[tuple[str, str], Said]) -> Mapping[tuple[str, str], Said]:
    return {scope: said for scope, said in words.items() if scope == (ANY, ANY)}


def _filled(log: Log, query: str, column: str, ids: int, columns: str) -> str:
    dialect = log.engine.dialect.name
    mark = "?" if dialect == "sqlite" else "%s"
    told = _TOLD.format(
        columns=columns,
        table=log.table.name,
        whose=_WHOSE[column].format(among=among(dialect, column, ids)),
        types=", ".join(f"'{name}'" for name in CONSENT_EVENTS),
        **{name: json_text(dialect, '"payload"', name) for name in ("channel", "purpose", "consent")},
    )
    return query.format(told=told, columns=columns, mark=mark, most=2 * MOST + 2)
