"""The OpenAPI 3.1 document, read off the declared routes: nothing is described twice."""

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from portal_api.problem import MEDIA_TYPE, ProblemDocument
from portal_api.routes import API, PATH_VALUE, Access, AnyRoute, Call, Route, Surface, is_negotiated

Json = dict[str, Any]
_Wanted = tuple[type[BaseModel], JsonSchemaMode]
_STEP_UP = "Needs a proof of who you are that is at most ten minutes old: see `POST /me/step-up`."
_PACE: Json = {
    "RateLimit-Policy": {
        "description": "How many requests (`q`) within how many seconds (`w`), by what is counted.",
        "schema": {"type": "string"},
        "example": '"address";q=72000;w=3600, "account";q=36000;w=3600',
    },
    "RateLimit": {
        "description": "How many are left (`r`), and in how many seconds all are free again (`t`).",
        "schema": {"type": "string"},
        "example": '"address";r=71999;t=1, "account";r=35999;t=1',
    },
}
_IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of what is to be changed as it was read; 412 if its version is another by now.",
    "schema": {"type": "string"},
    "example": '"3-5f0c7d1e9a2b4c6d8e0f1a2b"',
}
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of what you have; 304 if nothing has changed.",
    "schema": {"type": "string"},
    "example": '"3-5f0c7d1e9a2b4c6d8e0f1a2b"',
}
_SECURITY: list[Json] = [{"bearer": []}, {"cookie": []}]
_REASON: Json = {
    "name": "X-Reason",
    "in": "header",
    "required": True,
    "description": "Why a member of staff looks; the customer whose data it is will read it.",
    "schema": {"type": "string", "minLength": 5, "maxLength": 200},
    "example": "The customer asked in a call why the alarm of last night came late.",
}


def openapi_route(routes: Sequence[AnyRoute]) -> tuple[AnyRoute, Json]:
    """Return the route that serves the description of `routes` and of itself, and that description."""
    served: list[bytes] = []

    async def describe(_: Call[None, None]) -> web.Response:
        return web.Response(body=served[0], content_type="application/json")

    route = Route(
        method="GET",
        path="/openapi.json",
        handler=describe,
        summary="This description",
        access=Access.PUBLIC,
        tag="service",
    )
    document = openapi_document([*routes, route])
    served.append(json.dumps(document, separators=(",", ":")).encode())
    return route, document


def openapi_document(routes: Iterable[AnyRoute]) -> Json:
    """Return the document for those routes that are for programs."""
    described = [route for route in routes if route.surface is Surface.API]
    schemas = _Schemas(described)
    paths: dict[str, Json] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "iSocket Cloud",
            "version": "1",
            "description": "Remote mains sockets: what they report, what they are told, and who is alarmed. "
            "Another customer's object answers 404, as one that does not exist.",
        },
        "servers": [{"url": API}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "From `POST /tokens`."},
                "visit": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "For people who are told of alarms: from `POST /people/sessions`.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-sid",
                    "description": "A browser's session (`sid` without HTTPS). Changes need `X-CSRF` and our `Origin`.",
                },
            },
        },
    }


class _Schemas:
    """The schema of each model, by model and direction."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        wanted: list[_Wanted] = [(ProblemDocument, "serialization")]
        for route in routes:
            wanted += [(each, "serialization") for each in route.answers.values() if each is not None]
            wanted += [(each, "validation") for each in (route.body, route.query) if each is not None]
        self._refs, made = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
        self.components: Json = made.get("$defs", {})
        queries = {route.query for route in routes if route.query is not None}
        self._queries = {query: self._taken_out(query) for query in queries}

    def ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> Json:
        return dict(self._refs[(model, mode)])

    def query(self, model: type[BaseModel]) -> Json:
        return self._queries[model]

    def _taken_out(self, model: type[BaseModel]) -> Json:
        """Return the whole schema of a query model: its fields become parameters, so it is no component."""
        ref: str = self._refs[(model, "validation")]["$ref"]
        name = ref.rpartition("/")[2]
        taken: Json = self.components.pop(name)
        return taken


def _operation(route: AnyRoute, schemas: _Schemas) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag or route.path.strip("/").split("/")[0]],
        "responses": {
            **{str(status): _good(route, status, model, schemas) for status, model in route.answers.items()},
            **_not_modified(route),
            **{str(status): _bad(status, schemas) for status in sorted(_bad_statuses(route))},
        },
        "security": _security(route),
    }
    if route.handler.__doc__:
        operation["description"] = " ".join(route.handler.__doc__.split())
    if route.step_up:
        operation["description"] = f"{operation.get('description', '')} {_STEP_UP}".strip()
    parameters = [*_path_parameters(route), *_query_parameters(route, schemas), *_conditions(route)]
    if route.access is Access.STAFF:
        parameters.append(_REASON)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": schemas.ref(route.body, "validation")}},
        }
    return operation


def _security(route: AnyRoute) -> list[Json]:
    match route.access:
        case Access.PUBLIC:
            return []
        case Access.RECIPIENT:
            return [{"visit": []}]
        case _:
            return _SECURITY


def _operation_id(route: AnyRoute) -> str:
    words = route.path.replace("{", "").replace("}", "").replace("-", "_").replace(".", "_").strip("/")
    return f"{route.method.lower()}_{words.replace('/', '_')}"


def _good(route: AnyRoute, status: int, model: type[BaseModel] | None, schemas: _Schemas) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase, "headers": dict(_PACE)}
    if model is not None:
        answer["content"] = {"application/json": {"schema": schemas.ref(model, "serialization")}}
        if status == HTTPStatus.OK and (route.method == "GET" or route.conditional):
            answer["headers"]["ETag"] = {"description": "Changes with what is shown.", "schema": {"type": "string"}}
    for each in route.media:
        answer.setdefault("content", {})[each] = {"schema": {"type": "string"}}
    return answer


def _bad(status: int, schemas: _Schemas) -> Json:
    answer: Json = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schemas.ref(ProblemDocument, "serialization")}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    return answer


def _bad_statuses(route: AnyRoute) -> set[int]:
    """Return every refusal that the frame can make for such a route, and those that it declares."""
    found = {400, 422, 429, 500, 503, *route.problems}
    if route.conditional:
        found |= {412}
    if is_negotiated(route):
        found |= {406}
    if route.access is not Access.PUBLIC:
        found |= {401}
    if route.access in {Access.ACCOUNT, Access.STAFF}:  # a personal API token gets it where it lacks the scope
        found |= {403}
    if route.parameters:
        found |= {404}
    if route.method != "GET":
        found |= {408, 413}
    if route.body is not None:
        found |= {415}
    return found - set(route.answers)


def _not_modified(route: AnyRoute) -> Json:
    if not _has_tag(route):
        return {}
    return {"304": {"description": "You have it already: it is as `If-None-Match` says."}}


def _has_tag(route: AnyRoute) -> bool:
    return route.method == "GET" and route.answers.get(HTTPStatus.OK) is not None


def _conditions(route: AnyRoute) -> list[Json]:
    if _has_tag(route):
        return [_IF_NONE_MATCH]
    return [_IF_MATCH] if route.conditional else []


def _path_parameters(route: AnyRoute) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{PATH_VALUE}$"}}
        for name in route.parameters
    ]


def _query_parameters(route: AnyRoute, schemas: _Schemas) -> list[Json]:
    if route.query is None:
        return []
    schema = schemas.query(route.query)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema.get("properties", {}).items()
    ]
