"""Registries of models in a folder of their own."""

import shutil
from pathlib import Path

from models.registry import Registry


def empty_registry(empty_mlflow: Path, folder: Path) -> Registry:
    """One without a model; a copy of what is empty, as MLflow takes seconds to make its tables."""
    copy = shutil.copy(empty_mlflow, folder / "mlflow.db")
    return Registry(f"sqlite:///{copy}", str(folder / "artifacts"))
