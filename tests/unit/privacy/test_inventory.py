"""The inventory shows every stored field, read off the classes."""

import json
from dataclasses import fields

from isocket.domain import STORED
from privacy.inventory import as_json, as_markdown, inventory


def test_every_stored_field_is_there_once() -> None:
    listed = [(entry.collection, entry.field) for entry in inventory()]
    stored = [(kind.collection, each.name) for kind in STORED for each in fields(kind)]
    assert sorted(listed) == sorted(stored)


def test_a_telephone_number_says_why_it_is_kept_and_to_whom_it_goes() -> None:
    (phone,) = [each for each in json.loads(as_json()) if (each["collection"], each["field"]) == ("contacts", "phone")]
    assert phone["purpose"] == "alerts"
    assert phone["basis"] == "art6_1_f"
    assert phone["recipients"] == ["SMS and voice provider", "the customer who entered it"]
    assert phone["sealed"] is True


def test_the_table_for_people_has_a_row_a_field() -> None:
    assert len(as_markdown().splitlines()) == 2 + len(inventory())
