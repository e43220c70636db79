"""The OpenAPI document for tests: its operations, a strict check of answers against it, and calls made of it.

The document says which members an answer has; here an answer with a member that it does not name is wrong too.
"""
import copy
import dataclasses
import http.client
import json
import urllib.parse

import jsonschema

METHODS = ("get", "post", "put", "patch", "delete")
LATER = "not supported yet"


def strict(schema):
    """The schema, refusing every member that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {name: strict(value) for name, value in schema.items()}
    if tight.get("type") == "object" and isinstance(tight.get("properties"), dict):
        tight.setdefault("additionalProperties", False)
    return tight


@dataclasses.dataclass
class Operation:
    id: str  # of the JD Cloud face: the public name of the call
    method: str
    path: str
    parameters: list
    body: dict
    responses: dict
    is_later: bool
    counted_as: str

    @property
    def is_native(self):
        return self.path.startswith("/weir/")

    @property
    def success(self):
        """(status, its response)."""
        return next((int(status), response) for status, response in self.responses.items() if status.startswith("2"))

    def of(self, place):
        return [one for one in self.parameters if one["in"] == place]


class Document:
    def __init__(self, text):
        self.json = json.loads(text)
        self.components = self.json["components"]
        self.tight = strict(self.components)
        self.operations = [self.operation(path, method, calls[method])
                           for path, calls in self.json["paths"].items() for method in METHODS if method in calls]
        self.validators = {}

    def operation(self, path, method, call):
        body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        return Operation(call["operationId"].removeprefix("v1_"), method.upper(), path, call.get("parameters", []), body and self.resolved(body),
                         {status: self.resolved(one) for status, one in call["responses"].items()},
                         call.get("x-weir-effect") == LATER, call["x-weir-operation"])

    def resolved(self, thing):
        while "$ref" in thing:
            place = self.json
            for name in thing["$ref"].removeprefix("#/").split("/"):
                place = place[name]
            thing = place
        return thing

    def validator(self, operation, status):
        key = (operation.method, operation.path, str(status))
        if key not in self.validators:
            schema = operation.responses[str(status)]["content"]["application/json"]["schema"]
            whole = {**strict(copy.deepcopy(schema)), "components": self.tight}
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return self.validators[key]

    def problems(self, operation, status, answer):
        """What is wrong with an answer, as text; nothing when it is right."""
        if str(status) not in operation.responses:
            return [f"status {status} is not one of {sorted(operation.responses)}"]
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
                for error in self.validator(operation, status).iter_errors(answer)][:5]


class Maker:
    """Values that fit a schema; `ids` knows an object of each kind, `words` what some members must be."""

    def __init__(self, document, ids, words=None):
        self.document, self.ids, self.words = document, ids, words or {}

    def value(self, schema, name=""):
        schema = self.document.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "x-weir-kind" in schema:
            return self.ids.get(schema["x-weir-kind"], "none")
        if "enum" in schema:
            return schema["enum"][0]
        if name in self.words and schema.get("type") != "array":
            return self.words[name]
        kind = schema.get("type")
        if kind == "object":
            return self.members(schema)
        if kind == "array":
            return [self.value(schema["items"], name)
                    for _ in range(max(schema.get("minItems", 0), 1 if name in self.words or self.is_wanted(schema) else 0))]
        if kind == "integer":
            return max(schema.get("minimum", 1), min(1, schema.get("maximum", 1)))
        return {"boolean": False, "number": 0.5}.get(kind, "made")

    def is_wanted(self, schema):
        """A list of objects, or of ids, is no good without any."""
        items = self.document.resolved(schema["items"])
        return "required" in items or "x-weir-kind" in items

    def members(self, schema):
        """An object with what it must have."""
        return {name: self.value(schema["properties"][name], name) for name in schema.get("required", [])}

    def target(self, operation, query=()):
        path = operation.path
        for parameter in operation.of("path"):
            value = "local" if parameter["name"] == "regionId" else str(self.value(parameter["schema"], parameter["name"]))
            path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(value, safe=""))
        return path + ("?" + urllib.parse.urlencode(query) if query else "")


def merged(base, over):
    """`over` laid over `base`; what is None is taken out."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    whole = {**base, **{name: merged(base.get(name), value) for name, value in over.items()}}
    return {name: value for name, value in whole.items() if value is not None}


class Wire:
    """One connection to the API that stays open; gives (status, headers, text) of each call. Of a stream, which has no end, no text is read."""

    STREAMS = ("text/event-stream", "application/x-ndjson")

    def __init__(self, credentials):
        self.credentials = json.loads(credentials.read_text())
        self.host = self.credentials["endpoint"].split("//")[1].rstrip("/")
        self.connection = http.client.HTTPConnection(self.host, timeout=30)

    def call(self, method, target, body=None, headers=None):
        sent = {"Authorization": "Bearer " + self.credentials["token"], **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            try:
                self.connection.request(method, target, body, sent)
                answer = self.connection.getresponse()
                if answer.headers.get("Content-Type", "").split(";")[0] in self.STREAMS:
                    self.connection.close()
                    return answer.status, answer.headers, None
                return answer.status, answer.headers, answer.read().decode()
            except (http.client.RemoteDisconnected, ConnectionError):
                # The server may close an idle connection at any time.
                self.connection.close()
                if attempt == 2:
                    raise

    def close(self):
        self.connection.close()
