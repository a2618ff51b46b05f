"""What a sign says of a report, and what is said of its limit when that is changed or taken away, are of one mind."""

from typing import Any

from hypothesis import given

from alerts.rules.delays import has_no_rule, is_beyond, limit_of
from alerts.rules.signs import Look, Sign, Standing, signs
from isocket.domain.incidents import Cause
from isocket.domain.settings import DeviceSettings
from tests.unit.alerts.test_envelopes import AllSettings, Fields

NO_LIMITS = DeviceSettings(battery_low_pct=())


def said(fields: dict[str, Any], settings: DeviceSettings) -> list[Sign]:
    return list(signs(fields, settings, Standing(armed=True, on_battery=True, proven=frozenset())))


@given(settings=AllSettings, fields=Fields)
def test_what_looks_bad_is_beyond_its_limit_and_nothing_else_is(
    settings: DeviceSettings, fields: dict[str, Any]
) -> None:
    for sign in said(fields, settings):
        limit = limit_of(sign.key, settings)
        if limit is not None and sign.value is not None:
            assert is_beyond(sign.key, sign.value, limit) == (sign.look is Look.BAD)


@given(settings=AllSettings, fields=Fields)
def test_what_is_spoken_of_by_a_limit_alone_has_no_rule_without_it(
    settings: DeviceSettings, fields: dict[str, Any]
) -> None:
    always = {sign.key for sign in said(fields, NO_LIMITS)}
    for sign in said(fields, settings):
        if sign.key.cause is Cause.TEMP_FAULT:
            continue  # of no limit: once it is one, it is over when a value comes
        assert sign.key in always or has_no_rule(sign.key, NO_LIMITS)
