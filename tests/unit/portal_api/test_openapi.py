"""The description of the API is read off the routes, whole, and true to itself."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest

from portal_api.app import ROUTES
from portal_api.models import Page, PageQuery, View
from portal_api.openapi import openapi_document
from portal_api.routes import Access, AnyRoute, Call, Route, Surface


class Colour(StrEnum):
    """A choice."""

    RED = "red"


class ThingQuery(PageQuery):
    """What things."""

    colour: Colour


class Thing(View):
    """A thing."""

    colour: Colour


async def _nothing(_: Call[Any, Any]) -> None:
    return None


TRIAL: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/things/{thing_id}",
        handler=_nothing,
        summary="Things",
        query=ThingQuery,
        answers={200: Page[Thing]},
    ),
    Route(method="GET", path="/things", handler=_nothing, summary="All", query=ThingQuery, answers={204: None}),
    Route(method="GET", path="/page", handler=_nothing, summary="For people", surface=Surface.PAGE),
)
DOCUMENT = openapi_document([*ROUTES, *TRIAL])


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_every_route_for_programs_is_described_and_no_page_is() -> None:
    described = {(method.upper(), path) for method, path, _ in operations()}
    wanted = {(each.method, each.path) for each in (*ROUTES, *TRIAL) if each.surface is Surface.API}
    assert described == wanted


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    assert {each.removeprefix("#/components/schemas/") for each in found} == set(DOCUMENT["components"]["schemas"])


def test_every_name_in_a_path_is_a_parameter() -> None:
    for _, path, operation in operations():
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_query_fields_become_parameters() -> None:
    parameters = DOCUMENT["paths"]["/things/{thing_id}"]["get"]["parameters"]
    query = {each["name"]: each["required"] for each in parameters if each["in"] == "query"}
    assert query == {"cursor": False, "limit": False, "colour": True}


def test_public_routes_ask_for_no_credential_and_all_others_do() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert (operation["security"] == []) == (route.access is Access.PUBLIC)


def test_a_personal_api_token_without_the_scope_meets_no_answer_that_is_not_described() -> None:
    for route in ROUTES:
        if route.access is not Access.PUBLIC and route.access is not Access.RECIPIENT:
            assert "403" in DOCUMENT["paths"][route.path][route.method.lower()]["responses"], route.template


def test_limited_routes_say_when_to_come_again() -> None:
    for route in ROUTES:
        if route.limit is not None:
            answers = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
            assert "Retry-After" in answers["429"]["headers"]


@pytest.mark.parametrize("route", [each for each in ROUTES if each.body], ids=lambda each: each.path)
def test_every_body_has_an_example_that_it_accepts(route: AnyRoute) -> None:
    assert route.body is not None
    examples = route.body.model_json_schema()["examples"]
    for example in examples:
        route.body.model_validate(example)


def test_no_two_models_share_a_name() -> None:
    assert not [name for name in DOCUMENT["components"]["schemas"] if "__" in name]
