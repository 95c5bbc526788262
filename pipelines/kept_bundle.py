"""What the answers of an export are made of, kept beside its parts: every part is answered by the same, wherever it is.

Models lie there as they are published and the catalogue as JSON, so that nothing but data travels to other machines.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from features.catalog import Changes
from features.snapshots import newest, product_table
from models.published import Published, Version
from models.recommenders.base import days
from models.storage import load, save
from serving.bundle import Bundle, Shelf
from serving.restock.due_again import following, with_due_again

_FOLDER, _MODEL, _NEED, _TOLD = "bundle", "model", "need", "told.json"


@dataclass(frozen=True)
class _Told:
    version: Version
    features: tuple[str, ...]
    changes: Changes


def keep_bundle(
    folder: Path,
    load_version: Callable[[Version], Published[Any, Any]],
    version: Version,
    need: Version | None,
    changes: Changes,
    feature_data: Path,
) -> None:
    """Keep in `folder` what answers are made of, whole or not at all, unless it is there: the recommender `version`,
    the replenishment model `need` if one is live, the catalogue, and the newest features of products.

    `load_version` is the registry's, which a worker that reads what is kept does without.
    """
    if (folder / _FOLDER).exists():
        return
    half = folder / f".{_FOLDER}"
    shutil.rmtree(half, ignore_errors=True)
    published = load_version(version)
    save(published.recipe, published.model, _made(half / _MODEL))
    if need is not None:
        foreseen = load_version(need)
        save(foreseen.recipe, foreseen.model, _made(half / _NEED))
    products = newest(feature_data, "product")
    shutil.copy2(products, _made(half / products.parent.name) / products.name)
    (half / _TOLD).write_bytes(msgspec.json.encode(_Told(version, published.features, changes)))
    half.rename(folder / _FOLDER)


@lru_cache(maxsize=1)
def bundle_in(folder: Path, at: datetime) -> Bundle:
    """What `keep_bundle` kept, as of the moment `at`; a process that works on several parts makes it once."""
    kept = folder / _FOLDER
    told = msgspec.json.decode((kept / _TOLD).read_bytes(), type=_Told)
    recipe, model = load(kept / _MODEL)
    published = Published(told.version, recipe, model, told.features)
    shelf = Shelf().following(told.changes)
    bundle = Bundle.assembled(published, shelf, product_table(kept), days(at))
    if not (kept / _NEED).exists():
        return bundle
    return with_due_again(bundle, following(load(kept / _NEED)[1], told.changes, at))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
