"""The file that changes the default action bank: TOML, a line a change; the running service follows it.

zone = "Europe/Moscow"                          # the shop's own
currency = "RUB"

[channels]
telegram = { cost = 0.2, consent = "required" } # a new channel; it joins every decision point
sms = false                                     # none of these any more

[channels.email]
quiet = "22:00-08:00"
caps = { week = 3 }

[incentives]
tenth = { share = 0.1, budget = 5000 }

[points.cart_recovery]
delays = ["3h", "24h", "48h", "72h", "120h"]
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from serving.decisions.bank import Argument, Bank, Caps, Channel, DecisionPoint, Groups, Incentive
from serving.decisions.default_bank import DEFAULT
from serving.decisions.quiet_hours import LocalHours
from serving.followed_file import FollowedFile, tables_of

_OWN: Mapping[str, Any] = {"zone": str, "unknown_zone_minutes": int, "currency": str | None}
_PARTS: Mapping[str, type] = {"channels": Channel, "arguments": Argument, "incentives": Incentive}
Row = TypeVar("Row")


class BankFile(FollowedFile[Bank]):
    """The bank as it is configured now; without a `path` the default one."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, DEFAULT, read)


def read(path: Path) -> Bank:
    """The default bank as changed by the TOML file `path`.

    A row of the default is replaced field by field, `false` takes it away, here and from every decision point. What the
    file adds joins every point of which the file does not list the parts itself; a point that it adds has all parts.
    Raises ValueError that says what is wrong and what there is, FileNotFoundError when there is no such file.
    """
    tables = tables_of(path, "KAIROS_ACTION_BANK")
    try:
        return changed(DEFAULT, tables)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def changed(bank: Bank, tables: Mapping[str, Any]) -> Bank:
    """`bank` as changed by `tables`. Raises ValueError that says where something is wrong, and what there is."""
    _known("the action bank", tables, (*_OWN, *_PARTS, "points", "groups"))
    parts: dict[str, Any] = {
        part: _rows(part, kind, getattr(bank, part), tables.get(part, {}), lambda name: {"name": name})
        for part, kind in _PARTS.items()
    }
    everything = {part: list(rows) for part, rows in parts.items()}
    points = _rows(
        "points",
        DecisionPoint,
        {name: _joined(point, bank, parts) for name, point in bank.points.items()},
        tables.get("points", {}),
        lambda name: {"name": name, "policy": f"{name}-policy"} | everything,
    )
    groups = _row("groups", Groups, msgspec.to_builtins(bank.groups), tables.get("groups", {}))
    own: dict[str, Any] = {name: _converted(name, tables[name], kind) for name, kind in _OWN.items() if name in tables}
    return replace(bank, **parts, **own, points=points, groups=groups)


def _rows(
    part: str, kind: type[Row], rows: Mapping[str, Row], table: Any, fresh: Callable[[str], dict[str, Any]]
) -> dict[str, Row]:
    """The rows of a table of tables, in their order, new ones last."""
    found = dict(rows)
    for name, changes in _table(part, table).items():
        if changes is not False:
            base = msgspec.to_builtins(rows[name]) if name in rows else fresh(name)
            found[name] = _row(f"{part}.{name}", kind, base, changes)
        elif name not in rows:
            raise ValueError(f"{part}.{name} = false takes away what is not there; there is {', '.join(rows)}")
        else:
            del found[name]
    return found


def _row(where: str, kind: type[Row], base: dict[str, Any], table: Any) -> Row:
    known = [field.name for field in fields(kind) if field.name != "name"]  # type: ignore[arg-type]
    _known(where, _table(where, table), known)
    hints = get_type_hints(kind)
    given = {name: _value(f"{where}.{name}", value, base.get(name), hints[name]) for name, value in table.items()}
    return _converted(where, base | given, kind)


def _value(where: str, value: Any, default: Any, hint: Any) -> Any:
    """A field of a row as msgspec is to read it: hours from their text, caps one by one, false for none."""
    if value is False and NoneType in get_args(hint):
        return None
    if LocalHours in get_args(hint) and isinstance(value, str):
        try:
            return msgspec.to_builtins(LocalHours.of(value))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    if hint is Caps:
        _known(where, _table(where, value), [field.name for field in fields(Caps)])
        return (default or {}) | {name: None if limit is False else limit for name, limit in value.items()}
    if get_origin(hint) is Literal:
        _known(where, [value], get_args(hint))
    if isinstance(value, list) and any(get_origin(of) is Literal for of in get_args(hint)):
        _known(where, value, get_args(get_args(hint)[0]))
    return value


def _converted(where: str, value: Any, kind: type[Row]) -> Row:
    try:
        return msgspec.convert(value, kind)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _joined(point: DecisionPoint, bank: Bank, parts: Mapping[str, Mapping[str, Any]]) -> DecisionPoint:
    """A point of the default without what the file takes away, and with all that it adds."""
    kept: dict[str, Any] = {
        part: (
            *(name for name in getattr(point, part) if name in rows),
            *(name for name in rows if name not in getattr(bank, part)),
        )
        for part, rows in parts.items()
    }
    rule = tuple(
        message
        for message in point.rule
        if message.channel in kept["channels"]
        and message.argument in ("", *kept["arguments"])
        and message.incentive in ("", *kept["incentives"])
    )
    return replace(point, rule=rule, **kept)


def _table(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, e.g. [{where}]")
    return value


def _known(where: str, names: Collection[Any], known: Collection[Any]) -> None:
    if unknown := [str(name) for name in names if name not in known]:
        raise ValueError(f"{where}: {', '.join(unknown)} is not known; there is {', '.join(map(str, known))}")
