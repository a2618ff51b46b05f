"""Numbers as people type them into forms, and as forms show them again."""


def number_of(text: str) -> float | str | None:
    """Return the number that was typed, with a point or a comma; None for nothing, the text if it is no number."""
    plain = text.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-")
    try:
        return float(plain) if plain else None
    except ValueError:
        return text


def shown_number(number: float | None) -> str:
    """Return a number as a form shows it, nothing for none."""
    return "" if number is None else f"{number:g}"
