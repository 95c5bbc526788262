"""Recipes as JSON, with the recipes inside them: what a published version says about how it was made."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def described(recipe: Any, known: Mapping[str, type[Any]]) -> str:
    """A recipe as JSON. `known` holds the classes of recipes by name; a field may hold another one, or several."""
    return json.dumps(_described(recipe, known))


def built(text: str, known: Mapping[str, type[Any]]) -> Any:
    """The recipe that `described` wrote. Raises ValueError for a name or a parameter that this version does not know.

    >>> built('[]', {})
    Traceback (most recent call last):
    ValueError: this JSON is no recipe: []; it needs a name under the key recipe
    """
    description = json.loads(text)
    if not isinstance(description, dict):
        raise ValueError(f"this JSON is no recipe: {text[:80]}; it needs a name under the key recipe")
    return _built(description, known)


def _described(value: Any, known: Mapping[str, type[Any]]) -> Any:
    if type(value) in known.values():
        parameters = {field.name: _described(getattr(value, field.name), known) for field in fields(value)}
        return {"recipe": value.name, **parameters}
    return [_described(part, known) for part in value] if isinstance(value, tuple) else value


def _built(value: Any, known: Mapping[str, type[Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_built(part, known) for part in value)
    if not isinstance(value, dict):
        return value
    name = value.get("recipe")
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"there is no recipe {name!r}; this version knows {', '.join(sorted(known))}")
    parameters = {key: _built(part, known) for key, part in value.items() if key != "recipe"}
    try:
        return known[name](**parameters)
    except TypeError as error:
        raise ValueError(f"recipe {name} was written by another version: {error}; train it again") from error
