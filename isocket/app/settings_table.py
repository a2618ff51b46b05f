"""The table of settings, as the manual shows it."""

from isocket.app.settings import Settings
from isocket.app.settings_sources import PREFIX


def settings_table() -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every setting, as `docs/operation.md` shows them."""
    return [
        (f"{PREFIX}{name.upper()}", _shown(each.default), each.description or "")
        for name, each in Settings.model_fields.items()
    ]


def settings_markdown() -> str:
    """Return the table of settings for the manual."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {f'`{default}`' if default else 'none'} | {meaning} |"
        for name, default, meaning in settings_table()
    ]
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(str(each) for each in default)
    return "" if default in {None, ""} else str(default)
