"""One row of a benchmark's results: what was claimed, what was measured, beside whom, on what machine."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Claim:
    """`must` and `goal` in words; `met` is against `must`, None where nothing is owed. `interval` is the 95 % interval
    of what `must` speaks of."""

    measure: str
    data: str
    protocol: str
    ours: float
    interval: tuple[float, float] | None
    baselines: dict[str, float]
    must: str | None
    goal: str | None
    met: bool | None
    seeds: tuple[int, ...]
    cpu_seconds: float
    machine: str
    commit: str


def write(claims: Sequence[Claim], name: str, part: str | None = None) -> Path:
    """Write `claims` as `results/NAME.json`; with a `part`, in place of the rows of that part: scripts share a file."""
    path = ROOT / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    rows = [{"part": part or name, **asdict(claim)} for claim in claims]
    if part and path.exists():
        kept = [{"part": name, **row} for row in json.loads(path.read_text())]
        rows += [row for row in kept if row["part"] != part]
        rows.sort(key=lambda row: str(row["part"]))
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return path


def replace_section(page: Path, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- NAME -->` and `<!-- end of NAME -->` of `page`, which must be there."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.read_text().partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{page} lacks the marks {start} and {end}; put them where the figures belong")
    page.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}")


def machine() -> str:
    """Processor and number of cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return f"{os.cpu_count()} cores, {', '.join(sorted(models)) or 'processor not named'}"


def commit() -> str:
    """The commit that was measured, marked when files had changed since."""
    command = ["git", "describe", "--always", "--dirty"]
    described = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "not committed yet"
