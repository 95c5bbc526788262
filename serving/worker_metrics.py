"""The metrics of all workers of one service, whichever of them is asked: each keeps a snapshot of its own in a folder.

What was shown never goes back, as Prometheus would take that for a restart and count everything once more: a worker
writes its snapshot before it shows it, and the counts of one that is gone stay, folded into one file. What a killed
worker counted since its last snapshot is lost, and was never shown. A new service begins at zero, in a folder of its
own; those of services that are gone are removed.
"""

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from serving.measures import Measure, State

States = dict[str, State]
_RETIRED = "retired.json"
_FOLDED = "folded"
_Stored = dict[str, list[tuple[tuple[str, ...], list[float]]]]


class WorkerMetrics:
    """The snapshots of the workers of one service in `folder`; this process is one of them.

    The service is the parent process: its workers are siblings. `measures` gives what this worker counts.
    """

    def __init__(self, folder: Path, measures: Callable[[], Iterable[Measure]], seconds: float = 1.0) -> None:
        self.folder = folder / _named(os.getppid())
        self._own = self.folder / f"{_named(os.getpid())}.json"
        self._measures = measures
        self._seconds = seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-metrics", daemon=True)

    def start(self) -> None:
        """Take the place of those that are gone, and begin."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for other in self.folder.parent.iterdir():
            if other.is_dir() and other != self.folder and not _lives(other.name):
                shutil.rmtree(other, ignore_errors=True)
        self._fold()
        self.write()
        self._thread.start()

    def write(self) -> None:
        """Keep what this worker counted until now."""
        _write(self._own, {measure.name: measure.state() for measure in self._measures()})

    def summed(self) -> tuple[States, int]:
        """Everything that the workers counted, this one's newest included, and how many of them live."""
        self.write()
        total: States = {}
        alive = 0
        with self._locked(fcntl.LOCK_SH):
            for path in self._files():
                lives = path == self._own or (path.name != _RETIRED and _lives(path.stem))
                alive += lives
                self._join(total, _read(path), only_lasting=not lives)
        return total, alive

    def close(self) -> None:
        """Keep the last counts; the other workers go on showing them."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(OSError):
            self.write()

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            with suppress(OSError):  # a full disk costs the other workers these figures, and nobody an answer
                self.write()

    def _fold(self) -> None:
        with self._locked(fcntl.LOCK_EX):
            gone = [path for path in self._files() if path.name != _RETIRED and not _lives(path.stem)]
            if not gone:
                return
            total: States = {}
            for path in (self.folder / _RETIRED, *gone):
                self._join(total, _read(path), only_lasting=True)
            _write(self.folder / _RETIRED, total | {_FOLDED: {(path.stem,): [1.0] for path in gone}})
            for path in gone:
                path.unlink()

    def _files(self) -> list[Path]:
        """What is to be added up. One that was folded by a worker who was killed then is in the sum already."""
        folded = {stem for (stem,) in _read(self.folder / _RETIRED).get(_FOLDED, {})}
        return [path for path in sorted(self.folder.glob("*.json")) if path.stem not in folded]

    def _join(self, total: States, states: States, only_lasting: bool) -> None:
        for measure in self._measures():
            if only_lasting and not measure.lasting:
                continue
            mine = total.setdefault(measure.name, {})
            for labels, values in states.get(measure.name, {}).items():
                mine[labels] = measure.together(mine[labels], values) if labels in mine else values

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, how)
            yield


def _named(pid: int) -> str:
    """A process by its number and birth, as numbers come again."""
    return f"{pid}-{int(psutil.Process(pid).create_time())}"


def _lives(name: str) -> bool:
    pid, born = (int(part) for part in name.split("-"))
    try:
        process = psutil.Process(pid)
        return int(process.create_time()) == born and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _write(path: Path, states: Mapping[str, State]) -> None:
    temporary = path.with_suffix(f".{threading.get_ident()}.tmp")
    temporary.write_bytes(msgspec.json.encode({name: list(state.items()) for name, state in states.items()}))
    temporary.replace(path)


def _read(path: Path) -> States:
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except (OSError, msgspec.DecodeError):
        return {}
    return {name: dict(state) for name, state in stored.items()}
