"""Where the values of settings come from: the environment, a file for each, and a TOML file for many."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isocket.kit.unreadable import unreadable

PREFIX = "ISOCKET_"
CONFIG = "ISOCKET_CONFIG"
_FILE = "_FILE"


class SettingsError(Exception):
    """Settings are wrong; nothing was started. `faults` says which, a sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def gather(environ: Mapping[str, str], *, known: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the given values by the setting's lower-case name, and what is wrong with how they are given: a name
    that is none, a file that cannot be read, a value given twice. The environment wins over the TOML file.

    Each `ISOCKET_X` may be given as `ISOCKET_X_FILE`, the path of a file with the value; so may each `x` of the
    TOML file, whose keys may also carry the variables' names. An empty variable counts as not given.
    """
    faults: list[str] = []
    ours = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG and value
    }
    values = _values(_plain_names(_read_toml(environ.get(CONFIG, ""), faults), faults), known, faults, shown=str)
    values |= _values(ours, known, faults, shown=lambda name: f"{PREFIX}{name.upper()}")
    return values, faults


def _values(given: Mapping[str, Any], known: Sequence[str], faults: list[str], *, shown: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in sorted(given.items()):
        plain = name.removesuffix(_FILE.lower())
        if name in known:
            found[name] = value
        elif plain in known and plain in given:
            faults.append(f"{shown(plain)} and {shown(name)} are both given: leave one out.")
        elif plain in known:
            if (read := _read_value(Path(str(value)), shown(name), faults)) is not None:
                found[plain] = read
        else:
            faults.append(f"{shown(name)} is not a setting: {_nearest(name, known, shown)}.")
    return found


def _plain_names(given: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return what a TOML file gives by plain names: `ISOCKET_HTTP` says there what `http` says."""
    plain: dict[str, Any] = {}
    for name, value in given.items():
        short = name.removeprefix(PREFIX).lower() if name.startswith(PREFIX) else name
        if short in plain:
            faults.append(f"{short} and {PREFIX}{short.upper()} are both given: leave one out.")
        plain[short] = value
    return plain


def _nearest(name: str, known: Sequence[str], shown: Any) -> str:
    names = [*known, *(f"{each}{_FILE.lower()}" for each in known)]
    near = difflib.get_close_matches(name, names, n=1)
    return f"perhaps {shown(near[0])} is meant" if near else "`isocket settings` lists all of them"


def _read_value(path: Path, name: str, faults: list[str]) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # the latter by what is no UTF-8, or a path that none can be
        faults.append(f"{name}: {path} cannot be read: {unreadable(error)}.")
        return None


def _read_toml(path: str, faults: list[str]) -> dict[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        faults.append(f"{CONFIG}: {path} cannot be read: {unreadable(error)}.")
        return {}
