"""The least of what the machine and the limits of its groups leave is what is free."""

from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from pipelines.free_memory import free_memory


def group(folder: Path, limit: int | str, used: int, cached: int, names: tuple[str, str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, used), strict=False):
        (folder / name).write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\n")


NEW = ("memory.max", "memory.current", "inactive_file")
OLD = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.mark.parametrize(("limit", "left"), [(1_000, 500), (350, 0), ("max", None)])
def test_a_containers_limit_counts_and_cached_files_give_way(
    tmp_path: Path, limit: int | str, left: int | None
) -> None:
    (tmp_path / "own").write_text("0::/\n")
    group(tmp_path / "cgroup", limit, 600, 100, NEW)
    free = free_memory(tmp_path / "cgroup", tmp_path / "own")
    assert free == left if left is not None else free > 1_000_000


def test_the_limit_of_a_group_around_ones_own_counts(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/jobs/night\n")
    group(tmp_path / "cgroup/jobs", 900, 800, 0, NEW)
    group(tmp_path / "cgroup/jobs/night", "max", 700, 0, NEW)
    assert free_memory(tmp_path / "cgroup", tmp_path / "own") == 100


def test_the_older_groups_are_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("12:cpu,cpuacct:/x\n4:memory:/docker/abc\n1:name=systemd:/x\n")
    group(tmp_path / "cgroup/memory", 500, 100, 0, OLD)
    assert free_memory(tmp_path / "cgroup", tmp_path / "own") == 400, "a container sees its own group as the root"


def test_without_groups_it_is_what_the_machine_has(tmp_path: Path) -> None:
    free = free_memory(tmp_path / "none", tmp_path / "none")
    assert 0 < free <= psutil.virtual_memory().total
