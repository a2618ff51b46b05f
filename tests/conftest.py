"""What holds for the whole run."""

import gc


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of garbage collection: it stays to the end, and is looked at no more."""
    gc.collect()
    gc.freeze()
