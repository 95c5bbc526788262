"""How much memory a process may still take: what the machine has free, or what a container's limit leaves."""

from pathlib import Path

import psutil  # type: ignore[import-untyped]

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def free_memory(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int:
    """In bytes. Cached files count as free, as they give way; a limit counts of whatever group it is set for."""
    free = int(psutil.virtual_memory().available)
    return min([free, *_left(cgroups, own)])


def _left(cgroups: Path, own: Path) -> list[int]:
    """Below each limit on the way from the root to the process's own group: of cgroups 2, or of memory in cgroups 1."""
    found: list[int] = []
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            folder, names, cached = cgroups, ("memory.max", "memory.current"), "inactive_file"
        elif "memory" in controllers.split(","):
            folder, names = cgroups / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
            cached = "total_inactive_file"
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        groups = [folder.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
        found += [left for group in groups if (left := _below(group, *names, cached)) is not None]
    return found


def _below(group: Path, limit: str, used: str, cached: str) -> int | None:
    """What is left in one group; None where there is no limit, or the group is not to be seen from in here."""
    try:
        most, taken = (group / limit).read_text().strip(), int((group / used).read_text())
        told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    return None if most == "max" else max(int(most) - taken + int(told.get(cached, 0)), 0)
