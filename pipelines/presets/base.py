"""What a preset is: how the columns of a publisher's file become the documented ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.files import File


@dataclass(frozen=True)
class Projection:
    """The documented columns as SQL over the publisher's, `needs` of which must be there.

    `file` is the name of the file inside a publisher's folder. `group_by` makes one row of many, e.g. one product of
    all its purchases; the columns are then aggregates.
    """

    columns: Mapping[str, str]
    needs: tuple[str, ...]
    file: str | None = None
    group_by: str | None = None


@dataclass(frozen=True)
class Preset:
    """The events and the catalogue in a publisher's data; `folder` finds the data where a package brings them."""

    name: str
    events: Projection
    products: Projection
    folder: Callable[[], Path] | None = None

    def path_of(self, projection: Projection, path: File | None) -> File:
        """The file to read: `path`, the right file in the folder `path`, or in the folder that ships."""
        if path is None:
            if self.folder is None:
                raise ValueError(f"the preset {self.name} has no data of its own; name the file or folder to read")
            path = self.folder()
        if projection.file is None or not isinstance(path, Path) or not path.is_dir():
            return path
        return path / projection.file


def source_of(path: File | None, preset: Preset | None, wanted: Callable[[Preset], Projection]) -> File:
    """The file to read, of a preset that of the `wanted` projection. Raises ValueError where nothing says which."""
    if preset is not None:
        return preset.path_of(wanted(preset), path)
    if path is None:
        raise ValueError("name the file to read, or a preset that has data of its own: complete-journey")
    return path
