"""What may be asked of people to be told."""

import pytest
from pydantic import ValidationError

from portal_api.contact_models import ContactChange


def test_a_contact_takes_up_messages_again_by_false() -> None:
    assert ContactChange.model_validate_json('{"paused": false}').paused is False


@pytest.mark.parametrize("other", ["0", "0.0", "true", "1", '"false"', "null"])
def test_what_is_not_false_takes_up_no_messages(other: str) -> None:
    with pytest.raises(ValidationError):
        ContactChange.model_validate_json(f'{{"paused": {other}}}')
