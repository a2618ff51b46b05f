"""The code on the label of a socket: nobody guesses it, and everybody can type it."""

import re

from isocket.domain.secrets import new_claim_code, normalise_claim_code


def test_a_code_is_eighty_bits_and_never_the_same() -> None:
    codes = [new_claim_code() for _ in range(1000)]
    assert len(set(codes)) == 1000
    assert all(re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", each) for each in codes)
    letters = {place: {each[place] for each in codes} for place in range(19) if place not in {4, 9, 14}}
    assert {len(each) for each in letters.values()} == {32}, "16 places of 32 letters, each used: 80 bits"


def test_a_code_is_read_as_it_was_typed() -> None:
    assert normalise_claim_code(" 7h3k-9qxm 2d4v-rtoi ") == normalise_claim_code("7H3K-9QXM-2D4V-RT01")
