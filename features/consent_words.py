"""The last word of many persons on each channel and purpose, worked out by the database: however much they say.

The newest so many words of somebody are no measure: one who repeats a word often enough would crowd out an earlier one
that holds all the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from features.contact import ANY, CONSENT_EVENTS, Said, weight
from features.identity import Person
from features.log import Log, moment

MOST = 500
"""Channels and purposes that one person spoke of, each with either word: more than shops have, and few to read."""

_IDS = 100
_READ = {"sqlite": "json_extract(\"payload\", '$.{name}')", "postgresql": "CAST(\"payload\" AS jsonb) ->> '{name}'"}
_WORDS = """
SELECT "id", "channel", "purpose", "granted", "at" FROM (
  SELECT "id", "channel", "purpose", "granted", max("occurred_at") AS "at", row_number() OVER (
    PARTITION BY "id" ORDER BY CASE WHEN "channel" = '' AND "purpose" = '' THEN 0 ELSE 1 END
  ) AS "number"
  FROM (
    SELECT "{column}" AS "id", "occurred_at", coalesce({purpose}, '') AS "purpose",
      coalesce(nullif({channel}, ''), CASE WHEN "type" = 'email_marked_as_spam' THEN 'email' ELSE '' END) AS "channel",
      CASE WHEN "type" = 'consent_changed' AND {consent} = 'granted' THEN 1 ELSE 0 END AS "granted"
    FROM "{table}" WHERE {whose} AND "type" IN ({types})
  ) AS "told" GROUP BY "id", "channel", "purpose", "granted"
) AS "latest" WHERE "number" <= {most}"""
_WHOSE = {"user_id": '"user_id" IN ({ids})', "anonymous_id": '"user_id" IS NULL AND "anonymous_id" IN ({ids})'}


def consents_of(log: Log, people: Sequence[Person]) -> list[Mapping[tuple[str, str], Said]]:
    """The last word of each person by (channel, purpose), as `Contact.consents` has it, of everything in the log.

    Of somebody who spoke of more than `MOST` only the word on everything is told, so that nothing stands against it.
    """
    found: list[dict[tuple[str, str], Said]] = [{} for _ in people]
    for column in _WHOSE:
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, person in enumerate(people):
            for id_ in person.user_ids if column == "user_id" else person.anonymous_ids:
                places[id_].append(place)
        ids = sorted(places)
        for first in range(0, len(ids), _IDS):
            some = ids[first : first + _IDS]
            for id_, channel, purpose, granted, at in log.read_by(_statement(log, column, len(some)), tuple(some)):
                said = Said("granted" if granted else "withdrawn", moment(at))
                for place in places[id_]:
                    theirs, scope = found[place], (channel, purpose)
                    if len(theirs) <= MOST or scope == (ANY, ANY) or scope in theirs:
                        theirs[scope] = max(theirs.get(scope, said), said, key=weight)
    return [words if len(words) <= MOST else _of_everything(words) for words in found]


def _of_everything(words: Mapping[tuple[str, str], Said]) -> Mapping[tuple[str, str], Said]:
    return {scope: said for scope, said in words.items() if scope == (ANY, ANY)}


def _statement(log: Log, column: str, ids: int) -> str:
    dialect = log.engine.dialect.name
    mark = "?" if dialect == "sqlite" else "%s"
    return _WORDS.format(
        column=column,
        table=log.table.name,
        whose=_WHOSE[column].format(ids=", ".join([mark] * ids)),
        types=", ".join(f"'{name}'" for name in CONSENT_EVENTS),
        most=2 * MOST + 2,
        **{name: _READ[dialect].format(name=name) for name in ("channel", "purpose", "consent")},
    )
