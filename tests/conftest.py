"""What holds for the whole run."""

import gc
import os
from pathlib import Path

import pytest

from isocket.app.process import YOUNG_OBJECTS

SLOW = ("house", "browser")  # folders whose tests wait for other processes: they begin first, so that none is left over


def pytest_configure() -> None:
    """Have every program that a test starts run the code beside these tests, whichever checkout is installed."""
    others = os.environ.get("PYTHONPATH")  # noqa: TID251 - children inherit it
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), others)))  # noqa: TID251


def pytest_collection() -> None:
    """Look for no garbage while everything that is made stays."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: whoever begins it last has the others wait for the end."""
    home = Path(__file__).parent
    items.sort(key=lambda each: each.path.relative_to(home).parts[0] not in SLOW)


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of garbage collection: it stays to the end, and is looked at no more."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG_OBJECTS)
