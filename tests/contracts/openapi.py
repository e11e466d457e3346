"""Holds exchanges against an OpenAPI description: method, path, parameters, headers, bodies, status.

`openapi-core` does the validating. It lets pass what a description does not mention, so that two checks are our own:
a parameter that the operation does not have, and the count of the described fields that were really seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.contracts.coverage import Coverage
from tests.contracts.exchanges import Exchange

HOST = "http://api.test"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

Schema = dict[str, Any]


class OpenApiOracle:
    """`tolerated` are patterns of objections that are the description's own fault."""

    def __init__(self, description: dict[str, Any], name: str, tolerated: str = r"(?!)") -> None:
        unchecked: Any = None  # checking the description itself takes minutes; the library takes None
        self._description = description | {"servers": [{"url": HOST}]}
        self._openapi = OpenAPI.from_dict(self._description, config=Config(spec_validator_cls=unchecked))
        self._tolerated = re.compile(tolerated)
        # The fewest placeholders first: `/project/search` is no `/project/{key}`.
        self._paths = sorted(
            ((_pattern(template), template) for template in description["paths"]), key=lambda one: one[1].count("{")
        )
        self.coverage = Coverage(name)

    def check(self, exchange: Exchange) -> list[str]:
        """What the description objects to; empty when request and answer keep to it."""
        found = self._operation(exchange)
        if found is None:
            return [self.coverage.violation(f"{exchange}: the description has no such operation")]
        template, operation = found
        name = operation.get("operationId", f"{exchange.method} {template}")
        objections = [
            *(f"parameter {one} is unknown" for one in self._unknown_parameters(template, operation, exchange)),
            *self._complaints(exchange),
        ]
        objections = [one for one in objections if not self._tolerated.search(one)]
        if not objections:
            self._count(name, operation, exchange)
        return [self.coverage.violation(f"{exchange}: {one}") for one in objections]

    def _operation(self, exchange: Exchange) -> tuple[str, Schema] | None:
        for pattern, template in self._paths:
            operation = self._description["paths"][template].get(exchange.method.lower())
            if operation is not None and pattern.fullmatch(exchange.path):
                return template, operation
        return None

    def _unknown_parameters(self, template: str, operation: Schema, exchange: Exchange) -> Iterator[str]:
        declared = [*self._description["paths"][template].get("parameters", ()), *operation.get("parameters", ())]
        known = {self._resolved(one)["name"] for one in declared}
        for name in dict(exchange.query):
            if name not in known:
                yield name

    def _complaints(self, exchange: Exchange) -> Iterator[str]:
        request, answer = _Request(exchange), _Answer(exchange)
        checks: list[Callable[[], None]] = [
            lambda: self._openapi.validate_request(request),
            lambda: self._openapi.validate_response(request, answer),
        ]
        for validate in checks:
            try:
                validate()
            except OpenAPIError as error:
                cause = error.__cause__
                for detail in getattr(cause, "schema_errors", None) or [cause or error]:
                    words = str(getattr(detail, "message", detail))
                    brief = words if len(words) < 300 else f"{words[:150]} … {words[-150:]}"
                    yield f"{type(error).__name__}: {brief}"

    def _count(self, name: str, operation: Schema, exchange: Exchange) -> None:
        self.coverage.operation(f"{name} → {exchange.status}", (f"?{one}" for one, _ in exchange.query))
        responses = operation["responses"]
        described = self._resolved(responses.get(str(exchange.status)) or responses.get("default") or {})
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema and exchange.answer:
            self.coverage.fields(name, self._fields(schema, exchange.json, ""))

    def _fields(self, schema: Schema, value: Any, at: str) -> Iterator[str]:
        """Places in the value that the schema describes, array items as `[]`."""
        schema = self._resolved(schema)
        for part in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
            yield from self._fields(part, value, at)
        if isinstance(value, list):
            for item in value:
                yield from self._fields(schema.get("items", {}), item, f"{at}[]")
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name in schema.get("properties", {}):
                    yield f"{at}.{name}"
                    yield from self._fields(schema["properties"][name], inner, f"{at}.{name}")

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._description
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


class _Request:
    """A request as openapi-core reads one."""

    def __init__(self, exchange: Exchange) -> None:
        self.host_url = HOST
        self.path = self.full_url_pattern = exchange.path
        self.method = exchange.method.lower()
        self.content_type = exchange.headers.get("content-type", "application/json").partition(";")[0]
        self.body = exchange.body or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(exchange.query), header=Headers(exchange.headers), cookie=ImmutableMultiDict()
        )


class _Answer:
    """An answer as openapi-core reads one."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.content_type = exchange.answer_headers.get("content-type", "application/json").partition(";")[0]
        self.data = exchange.answer
        self.headers = Headers(exchange.answer_headers)
