"""Who waits for whom in the database: each kind of work has a lock of its own."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = re.compile(r"^_\w*LOCK = ([\d_]+)$", re.MULTILINE)


def test_no_two_modules_take_the_same_advisory_lock() -> None:
    paths = [
        path for floor in ("features", "training", "serving", "pipelines") for path in (ROOT / floor).rglob("*.py")
    ]
    numbers = {path: LOCK.findall(text) for path in paths if "with writing(" in (text := path.read_text())}
    assert {path.name for path, found in numbers.items() if len(found) != 1} == set(), "a number that is not seen here"
    assert len({int(number) for (number,) in numbers.values()}) == len(numbers) > 9
