"""The routes about sockets, incidents and contacts describe themselves whole."""

import json

import pytest

from portal_api.device_routes import DEVICE_ROUTES
from portal_api.openapi import openapi_document
from portal_api.routes import Access, AnyRoute
from tests.fakes.portal_devices import ALL_ROUTES

DOCUMENT = openapi_document(ALL_ROUTES)
CONTRACT = {
    ("POST", "/devices/claim"),
    ("GET", "/devices"),
    ("GET", "/devices/{device_id}"),
    ("PATCH", "/devices/{device_id}"),
    ("DELETE", "/devices/{device_id}"),
    ("GET", "/devices/{device_id}/history"),
    ("GET", "/devices/{device_id}/problems"),
    ("GET", "/devices/{device_id}/settings"),
    ("PATCH", "/devices/{device_id}/settings"),
    ("POST", "/devices/{device_id}/commands"),
    ("GET", "/devices/{device_id}/commands/{command_id}"),
    ("POST", "/devices/{device_id}/test-alarm"),
    ("GET", "/incidents"),
    ("GET", "/incidents/{incident_id}"),
    ("POST", "/incidents/{incident_id}/ack"),
    ("GET", "/contacts"),
    ("POST", "/contacts"),
    ("PATCH", "/contacts/{contact_id}"),
    ("DELETE", "/contacts/{contact_id}"),
    ("POST", "/contacts/{contact_id}/verify"),
    ("POST", "/contacts/{contact_id}/verification"),
    ("GET", "/escalation"),
    ("PUT", "/escalation"),
    ("GET", "/devices/{device_id}/escalation"),
    ("PUT", "/devices/{device_id}/escalation"),
    ("GET", "/readiness"),
}


def name_of(route: AnyRoute) -> str:
    return f"{route.method} {route.path}"


def test_every_route_of_the_contract_is_there() -> None:
    assert {(route.method, route.path) for route in DEVICE_ROUTES} >= CONTRACT


def test_all_of_them_ask_who_is_calling() -> None:
    assert {route.access for route in DEVICE_ROUTES} == {Access.ACCOUNT}


@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=name_of)
def test_a_route_is_described_with_its_refusals(route: AnyRoute) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["description"]
    assert {"401", "422"} <= set(operation["responses"])
    assert ("404" in operation["responses"]) == bool(route.parameters or route.path == "/devices/claim")


@pytest.mark.parametrize("route", [each for each in DEVICE_ROUTES if each.body], ids=name_of)
def test_every_body_has_examples_that_it_accepts(route: AnyRoute) -> None:
    assert route.body is not None
    examples = route.body.model_json_schema()["examples"]
    assert [route.body.model_validate_json(json.dumps(each)) for each in examples]


@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=name_of)
def test_every_answer_has_an_example_of_its_own_shape(route: AnyRoute) -> None:
    for model in route.answers.values():
        if model is None:
            continue
        schema = model.model_json_schema(mode="serialization")
        item = schema["$defs"].values() if "items" in schema["properties"] else [schema]
        examples = [example for each in item for example in each.get("examples", ())]
        assert examples, f"{model.__name__} has no `examples` in its `model_config`"
