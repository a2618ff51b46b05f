"""The description of the API as a page: the same document that programs read, set out for people, without a script."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from markupsafe import Markup, escape

from portal_api.rendering import shown
from portal_api.routes import API, Access, AnyRoute, Call, PageRoute

Json = Mapping[str, Any]
PATH = f"{API}/docs"
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "from {}",
    "maximum": "to {}",
    "exclusiveMinimum": "above {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
}
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One parameter or one field."""

    name: str
    where: str  # path, query, header, or empty for a field
    needed: bool
    kind: Markup
    words: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked of the API."""

    id: str
    method: str
    path: str
    summary: str
    words: Markup
    public: bool
    values: tuple[Value, ...]
    body: Markup | None
    example: str
    answers: tuple[tuple[str, str, Markup], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What goes to and fro."""

    name: str
    words: Markup
    values: tuple[Value, ...]
    example: str


def docs_route(document: Json) -> AnyRoute:
    """Return the route of the page that shows `document`."""
    words = {
        "title": document["info"]["title"],
        "lead": _worded(document["info"]["description"]),
        "groups": _groups(document),
        "models": [_model(name, schema) for name, schema in sorted(document["components"]["schemas"].items())],
    }

    async def show(call: Call[None, None]) -> web.Response:
        return shown(call, "api.html", words)

    return PageRoute(
        method="GET",
        path=PATH,
        handler=show,
        summary="This description, for people",
        access=Access.PUBLIC,
    )


def _groups(document: Json) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups[operation["tags"][0]].append(_operation(method.upper(), path, operation, document))
    return dict(sorted(groups.items()))


def _operation(method: str, path: str, operation: Json, document: Json) -> Operation:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        id=operation["operationId"],
        method=method,
        path=f"{API}{path}",
        summary=operation["summary"],
        words=_worded(operation.get("description", "")),
        public=not operation["security"],
        values=tuple(_parameter(each) for each in operation.get("parameters", ())),
        body=_kind(schema) if schema else None,
        example=_example(_resolved(schema, document)) if schema else "",
        answers=tuple(
            (status, answer["description"], _content(answer.get("content", {})))
            for status, answer in sorted(operation["responses"].items())
        ),
    )


def _parameter(each: Json) -> Value:
    return Value(
        name=each["name"],
        where=each["in"],
        needed=each["required"],
        kind=_kind(each["schema"]),
        words=_worded(each.get("description") or each["schema"].get("description", "")),
    )


def _model(name: str, schema: Json) -> Model:
    needed = schema.get("required", ())
    return Model(
        name=name,
        words=_worded(" ".join(schema.get("description", "").split())),
        values=tuple(
            Value(name=each, where="", needed=each in needed, kind=_kind(of), words=_worded(of.get("description", "")))
            for each, of in schema.get("properties", {}).items()
        ),
        example=_example(schema),
    )


def _content(content: Json) -> Markup:
    kinds = [_kind(each["schema"]) if media.endswith("json") else escape(media) for media, each in content.items()]
    return Markup(" or ").join(kinds)


def _kind(schema: Json) -> Markup:
    """Return what a value is, in words: `list of text`, `"on" or "off"`, a link to a model."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return Markup(" or ").join(_kind(each) for each in schema[several])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return Markup(" or ").join(Markup("<code>{}</code>").format(json.dumps(each)) for each in values)
    return Markup("{}{}").format(_plain_kind(schema), "".join(f", {each}" for each in _limits(schema)))


def _plain_kind(schema: Json) -> Markup:
    match schema.get("type"):
        case "array":
            return Markup("list of {}").format(_kind(schema.get("items", {})))
        case "object":
            inner = schema.get("additionalProperties")
            return Markup("object of {}").format(_kind(inner)) if isinstance(inner, dict) else Markup("object")
        case "string":
            return Markup("time") if schema.get("format") == "date-time" else Markup("text")
        case "integer":
            return Markup("whole number")
        case "boolean":
            return Markup("<code>true</code> or <code>false</code>")
        case "null":
            return Markup("<code>null</code>")
        case None:
            return Markup("anything")
        case other:
            return escape(other)


def _limits(schema: Json) -> Iterator[str]:
    for name, words in _LIMITS.items():
        if name in schema:
            yield words.format(schema[name])
    if "default" in schema:
        yield f"{json.dumps(schema['default'])} if absent"


def _example(schema: Json) -> str:
    examples = schema.get("examples") or ()
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""


def _resolved(schema: Json, document: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["schemas"].get(name, schema)
    return found


def _worded(text: str) -> Markup:
    """Return a description with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped just before
