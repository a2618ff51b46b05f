"""Words on one line, with nothing in them that acts without being seen."""

import pytest
from pydantic import TypeAdapter, ValidationError

from portal_api.models import OneLine

LINE: TypeAdapter[str] = TypeAdapter(OneLine)


@pytest.mark.parametrize(
    "text",
    ["Summer house", "Mökki 2, näkymä", "نمی‌خواهم", "क्‍ष", "👩‍👧 home", ""],
)
def test_the_words_of_people_stay_as_they_are(text: str) -> None:
    assert LINE.validate_python(text) == text


@pytest.mark.parametrize(
    "mark",
    [*"\x00\n\x1b\x7f\x85\u00ad\u200b\u200e\u202e\u2028\u2066\ufeff\U000e0041\ud800"],
    ids=lambda mark: f"U+{ord(mark):04X}",
)
def test_what_acts_without_being_seen_is_refused(mark: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(f"Summer{mark}house")
