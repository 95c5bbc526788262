"""The five folders are the five packages, and importing any module of them starts nothing."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "training", "serving", "models", "features")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_name_resolves_inside_this_repository(name: str) -> None:
    origin = importlib.import_module(name).__file__
    assert origin is not None
    assert Path(origin).parent == ROOT / name


def test_importing_everything_leaves_no_trace(tmp_path: Path) -> None:
    modules = [
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")
        if not module.name.endswith("__main__")
    ]
    assert len(modules) > 20
    code = (
        f"import sys, threading; sys.path.insert(0, {str(ROOT)!r})\n"
        + "".join(f"import {module}\n" for module in modules)
        + "import mlflow; assert not mlflow.active_run()\n"
        + "print([t.name for t in threading.enumerate() if 'group-commit' in t.name or 'champion' in t.name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert list(tmp_path.iterdir()) == []
