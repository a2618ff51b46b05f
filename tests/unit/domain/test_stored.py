"""Nothing that is stored is left out of the list from which tables, inventory and retention are made."""

from importlib import import_module
from pkgutil import iter_modules

import isocket.domain
from isocket.domain.record import stored_classes


def test_every_module_of_the_domain_that_stores_anything_is_in_the_list() -> None:
    for found in iter_modules(isocket.domain.__path__):
        import_module(f"isocket.domain.{found.name}")
    there = {kind for kind in stored_classes() if kind.__module__.startswith("isocket.domain.")}
    assert there == {kind for kind in isocket.domain.STORED if kind.__module__.startswith("isocket.domain.")}
