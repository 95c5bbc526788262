"""The file that changes the default placements: TOML, a line a change; the running service follows it.

[home.rules]
diversity = 0.3                                # every rule is replaced on its own
caps = { "category.2" = 3 }

[cart]
sources = ["bought_together", { recommender = "rp3beta", ask = "page" }, "popularity"]
rules = { price_band = 1.5, exclude_purchased = true }
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

from models.recommenders.family import RECIPES
from serving.followed_file import FollowedFile, tables_of
from serving.placements import DEFAULT, DUE_AGAIN, MAIN, Ask, Placement, Placements, Source
from serving.rules.rules import Rules

_FLAGS = ("keep_category", "cart_on_page")


class PlacementFile(FollowedFile[Placements]):
    """The placements as they are configured now; without a `path` the default ones."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, DEFAULT, read)


def read(path: Path) -> Placements:
    """The default table as changed by the TOML file `path`.

    A table there is named like a placement: `sources` and flags replace what the default says, `rules` replace rule by
    rule, and `false` takes a rule away. Raises ValueError that says what is wrong and what there is, FileNotFoundError
    when there is no such file.
    """
    changed = {}
    for name, table in tables_of(path, "KAIROS_PLACEMENTS").items():
        if name not in DEFAULT:
            raise ValueError(f"{path}: there is no placement {name!r}; there are {', '.join(DEFAULT)}")
        if not isinstance(table, dict):
            raise ValueError(f"{path}: {name} must be a table, e.g. [{name}.rules]")
        try:
            changed[name] = _changed(DEFAULT[name], table)
        except ValueError as error:
            raise ValueError(f"{path}: {name}: {error}") from None
    return {**DEFAULT, **changed}


def _changed(placement: Placement, table: Mapping[str, Any]) -> Placement:
    _known(table, ("sources", *_FLAGS, "rules"))
    changes: dict[str, Any] = {name: _flag(table, name) for name in _FLAGS if name in table}
    if "sources" in table:
        changes["sources"] = _sources(table["sources"])
    if "rules" in table:
        if not isinstance(table["rules"], dict):
            raise ValueError(f"rules must be a table, e.g. [{placement.name}.rules]")
        changes["rules"] = _rules(placement.rules, table["rules"])
    return replace(placement, **changes)


def _rules(rules: Rules, table: Mapping[str, Any]) -> Rules:
    optional = {field.name for field in fields(Rules) if field.default is None}
    given = {name: None if value is False and name in optional else value for name, value in table.items()}
    return Rules.of(asdict(rules) | given)


def _sources(value: Any) -> tuple[Source, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError('sources must be a list of recommenders, e.g. sources = ["main", "popularity"]')
    return tuple(_source(entry) for entry in value)


def _source(entry: Any) -> Source:
    table = {"recommender": entry} if isinstance(entry, str) else entry
    if not isinstance(table, dict) or not isinstance(table.get("recommender"), str):
        raise ValueError('a source is a name, or a table as { recommender = "content", ask = "similar" }')
    _known(table, [field.name for field in fields(Source)])
    known = (MAIN, DUE_AGAIN, *RECIPES)
    if table["recommender"] not in known:
        raise ValueError(f"there is no recommender {table['recommender']!r}; there are {', '.join(known)}")
    if table.get("ask", "history") not in get_args(Ask):
        raise ValueError(f"ask = {table['ask']!r} is none of {', '.join(get_args(Ask))}")
    flags = {name: _flag(table, name) for name in ("same_category", "last_resort") if name in table}
    return Source(table["recommender"], table.get("ask", "history"), **flags)


def _known(table: Mapping[str, Any], names: Collection[str]) -> None:
    if unknown := [name for name in table if name not in names]:
        raise ValueError(f"{', '.join(unknown)} is not known; there is {', '.join(names)}")


def _flag(table: Mapping[str, Any], name: str) -> bool:
    if not isinstance(table[name], bool):
        raise ValueError(f"{name} must be true or false")
    return bool(table[name])
