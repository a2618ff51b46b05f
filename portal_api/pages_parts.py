"""A long list in parts, each on a page of its own: which part is shown, and the ways to those before and after it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The items from `begin` to before `end` of `whole`. `before` and `after` are what asks for the parts beside it."""

    begin: int
    end: int
    whole: int
    before: int | None
    after: int | None

    @property
    def items(self) -> slice:
        """Which items these are."""
        return slice(self.begin, self.end)


def part_from(begin: int, *, whole: int, most: int) -> Part:
    """Return up to `most` items from the one asked for, of a list that is read from its beginning."""
    first = min(begin, max(whole - 1, 0)) // most * most
    last = min(first + most, whole)
    return Part(
        begin=first,
        end=last,
        whole=whole,
        before=first - most if first else None,
        after=last if last < whole else None,
    )


def part_until(end: int | None, *, whole: int, most: int) -> Part:
    """Return up to `most` items before the one asked for, of a list that grows at its end: the last ones for None.

    Where it grows meanwhile, what was asked for stays the same.
    """
    last = whole if end is None else min(end, whole)
    first = max(last - most, 0)
    return Part(
        begin=first,
        end=last,
        whole=whole,
        before=first or None,
        after=last + most if last < whole else None,
    )
