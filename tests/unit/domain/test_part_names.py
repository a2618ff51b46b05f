"""What people call the parts of a socket is kept apart from its settings."""

from isocket.domain.devices import Device
from isocket.domain.record import sealed_fields
from isocket.domain.settings import PartKind, names_of_parts, part_name, part_names_text, without_names


def test_names_come_back_by_kind_and_number() -> None:
    text = part_names_text({PartKind.PROBE: [None, "Ullakko ä"], PartKind.INPUT: ["Door"]})
    assert [part_name(text, PartKind.PROBE, number) for number in range(3)] == [None, "Ullakko ä", None]
    assert part_name(text, PartKind.INPUT, 0) == "Door"


def test_without_a_name_there_is_nothing_to_keep() -> None:
    assert part_names_text({PartKind.PROBE: [None, ""], PartKind.INPUT: []}) is None
    assert names_of_parts(None) == names_of_parts("") == {}


def test_settings_without_names_are_else_the_same_whatever_a_device_says() -> None:
    said = {"temp": [{"name": "Attic", "low_c": 5}, 7], "input": "none", "heartbeat_s": 60}
    assert without_names(said) == {"temp": [{"low_c": 5}, 7], "input": "none", "heartbeat_s": 60}


def test_names_of_parts_are_stored_sealed() -> None:
    assert "part_names" in sealed_fields(Device)
