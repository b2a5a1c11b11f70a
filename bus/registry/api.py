"""What does the read API of a schema registry answer, from git?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus.contract.schema import Contract, Contracts
from bus.errors import Reject

MEDIA = "application/vnd.schemaregistry.v1+json"
LEVEL = "FULL_TRANSITIVE"
READ_ONLY = "this registry is served from git: change schemas/ or topology.yaml, then `bus contract lock`"


class Refused(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error_code": code, "message": message}


def app(contracts: Contracts) -> Starlette:
    """Subjects carry the town, as deserialisers derive them from topics; without it they are understood too."""
    known = [contracts.by_id(entry.id) for entry in contracts.lock.entries]
    api = _Api(contracts.topology.town, known)
    get: tuple[tuple[str, Callable[[Request], Any]], ...] = (
        ("/", lambda _: {}),
        ("/subjects", lambda _: sorted({api.name(one) for one in known})),
        ("/subjects/{subject:str}/versions", lambda request: [one.version for one in api.versions(request)]),
        ("/subjects/{subject:str}/versions/{version:str}", lambda request: api.full(api.version(request))),
        ("/subjects/{subject:str}/versions/{version:str}/schema", lambda request: api.version(request).schema),
        (
            "/subjects/{subject:str}/versions/{version:str}/referencedby",
            api.references,
        ),
        ("/schemas/ids/{id:str}", lambda request: {"schema": text(api.by_id(request))}),
        ("/schemas/ids/{id:str}/schema", lambda request: api.by_id(request).schema),
        ("/schemas/ids/{id:str}/subjects", lambda request: [api.name(api.by_id(request))]),
        ("/schemas/ids/{id:str}/versions", lambda request: [api.place(api.by_id(request))]),
        ("/schemas/types", lambda _: ["AVRO"]),
        ("/config", lambda _: {"compatibilityLevel": LEVEL}),
        ("/config/{subject:str}", lambda request: api.versions(request) and {"compatibilityLevel": LEVEL}),
        ("/mode", lambda _: {"mode": "READONLY"}),
        ("/mode/{subject:str}", lambda request: api.versions(request) and {"mode": "READONLY"}),
        ("/contexts", lambda _: ["."]),
    )
    routes = [Route(path, _answer(what), methods=["GET"]) for path, what in get]
    routes.append(Route("/subjects/{subject:str}", api.lookup, methods=["POST"]))
    routes.append(Route("/{rest:path}", _refuse, methods=["GET", "POST", "PUT", "DELETE"]))
    return Starlette(routes=routes)


def text(contract: Contract) -> str:
    return json.dumps(contract.schema, ensure_ascii=False, separators=(",", ":"))


class _Api:
    def __init__(self, town: str, known: list[Contract]) -> None:
        self.town, self.known = town, known

    def name(self, contract: Contract) -> str:
        return f"{self.town}.{contract.subject}"

    def place(self, contract: Contract) -> dict[str, Any]:
        return {"subject": self.name(contract), "version": contract.version}

    def full(self, contract: Contract) -> dict[str, Any]:
        return self.place(contract) | {"id": contract.id, "schemaType": "AVRO", "schema": text(contract)}

    def versions(self, request: Request) -> list[Contract]:
        subject = request.path_params["subject"].removeprefix(f"{self.town}.")
        found = [one for one in self.known if one.subject == subject]
        if not found:
            raise Refused(404, 40401, "Subject not found.")
        return found

    def version(self, request: Request) -> Contract:
        versions, asked = self.versions(request), request.path_params["version"]
        if asked in ("latest", "-1"):
            return versions[-1]
        if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked[:10]) < 1 << 31:
            raise Refused(422, 42202, "The specified version is not a valid version id.")
        found = next((one for one in versions if one.version == int(asked[:10])), None)
        if found is None:
            raise Refused(404, 40402, "Version not found.")
        return found

    def references(self, request: Request) -> list[int]:
        """Every schema is whole; none refers to another."""
        self.version(request)
        return []

    def by_id(self, request: Request) -> Contract:
        asked = request.path_params["id"]
        found = [one for one in self.known if str(one.id) == asked]
        if not found:
            raise Refused(404, 40403, "Schema not found.")
        return found[0]

    async def lookup(self, request: Request) -> Response:
        """Is this schema registered under this subject, and where?"""
        try:
            versions = self.versions(request)
            try:
                asked = json.loads(json.loads(await request.body())["schema"])
            except (ValueError, KeyError, TypeError):
                raise Refused(422, 42201, "Invalid schema.") from None
            found = next((one for one in versions if one.schema == asked), None)
            if found is None:
                raise Refused(404, 40403, "Schema not found.")
        except Refused as refused:
            return _json(refused.body, refused.status)
        return _json(self.full(found))


def _answer(what: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            return _json(what(request))
        except Refused as refused:
            return _json(refused.body, refused.status)
        except Reject as reject:
            return _json({"error_code": 50001, "message": reject.message}, 500)

    return answer


async def _refuse(request: Request) -> Response:
    if request.method == "GET":
        return _json({"error_code": 404, "message": "HTTP 404 Not Found"}, 404)
    return _json({"error_code": 42205, "message": READ_ONLY}, 422)


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, media_type=MEDIA)
