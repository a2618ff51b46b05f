"""Short codes: easy to read out, and nothing else can be meant by them."""

from itertools import islice

from alerts.short_codes import short_codes


def test_no_code_can_be_mistaken_for_a_word_or_another_code() -> None:
    codes = list(short_codes("inc_a"))
    assert len(set(codes)) == len(codes) == 24 * 24 * 8
    assert all(code[:2].isalpha() and code[2].isdigit() and not set(code) & set("IO01") for code in codes)


def test_the_same_incident_asks_for_the_same_codes() -> None:
    assert list(islice(short_codes("inc_a"), 5)) == list(islice(short_codes("inc_a"), 5))
    assert next(short_codes("inc_a")) != next(short_codes("inc_b"))
