"""Do ordinary clients of a schema registry read our records by what the bus serves?"""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime

import httpx2
import pytest
import uvicorn
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from bus.contract.schema import Contracts
from bus.dates import Uncertain
from bus.event import BARE, DATA, REMOVED
from bus.registry.api import MEDIA, app, text
from tests.contract.towns import SCHEMAS, town

CONTRACTS = Contracts.provisional(SCHEMAS, town(one=("is_resident", "name.full", "birth", "address.since")))
ONE = CONTRACTS.narrowed("one")


@pytest.fixture(scope="module")
def url():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(CONTRACTS), log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        thread.join(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(url):
    return SchemaRegistryClient({"url": url})


def test_a_foreign_deserialiser_reads_every_record_of_a_narrowed_topic(client):
    body = ("AMEND", "TENKYO", Uncertain.parse("2026-04-01"), None, None, False)
    records = [
        ONE.encode_narrowed(
            "e1", "42", 1, 1_775_001_600_000_000, DATA, body, (True, "𠮷田　花", None, None), incarnation="i"
        ),
        ONE.encode_narrowed("e2", "42", 2, 1_775_001_600_000_000, BARE, None, incarnation="i"),
        ONE.encode_narrowed("e3", "42", 3, 1_775_001_600_000_000, REMOVED, None, incarnation="i"),
    ]

    read = [AvroDeserializer(client)(value, SerializationContext(ONE.topic, MessageField.VALUE)) for value in records]

    assert [one["version"] for one in read] == [1, 2, 3]
    assert [one["mode"] for one in read] == [DATA, BARE, REMOVED]
    assert read[0]["body"]["data"]["name"] == {"full": "𠮷田　花"}
    assert read[0]["recorded"] == datetime(2026, 4, 1, tzinfo=UTC)


def test_the_client_finds_subjects_versions_and_numbers(client):
    subject = f"{ONE.topic}-value"

    assert subject in client.get_subjects()
    assert client.get_versions(subject) == [1]
    assert client.get_latest_version(subject).schema_id == ONE.id
    assert client.get_version(subject, 1).version == 1
    assert json.loads(client.get_schema(ONE.id).schema_str) == ONE.schema
    assert client.lookup_schema(subject, Schema(text(ONE), "AVRO")).schema_id == ONE.id
    assert client.get_compatibility() == "FULL_TRANSITIVE"
    assert client.get_global_mode() == "READONLY"
    assert [(v.subject, v.version) for v in client.get_schema_versions(ONE.id)] == [(subject, 1)]
    assert client.get_subjects_by_schema_id(ONE.id) == [subject]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/subjects/nobody-value/versions", 404, 40401),
        ("/subjects/nobody-value/versions/1", 404, 40401),
        (f"/subjects/{ONE.topic}-value/versions/99", 404, 40402),
        (f"/subjects/{ONE.subject}/versions/99", 404, 40402),
        (f"/subjects/{ONE.topic}-value/versions/0", 422, 42202),
        (f"/subjects/{ONE.topic}-value/versions/one", 422, 42202),
        ("/schemas/ids/999", 404, 40403),
        ("/schemas/ids/-1", 404, 40403),
        ("/schemas/ids/%F0%9F", 404, 40403),
        ("/nothing/here", 404, 404),
    ],
)
def test_what_is_not_there_is_said_with_the_protocols_own_codes(url, path, status, code):
    answer = httpx2.get(url + path)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.headers["content-type"].startswith(MEDIA)


def test_nobody_registers_a_schema_here(client):
    with pytest.raises(SchemaRegistryError) as caught:
        client.register_schema("new-value", Schema('"string"', "AVRO"))

    assert caught.value.http_status_code == 422
    assert "bus contract lock" in caught.value.error_message


def test_a_schema_that_is_not_ours_is_not_found(client, url):
    with pytest.raises(SchemaRegistryError) as caught:
        client.lookup_schema(f"{ONE.topic}-value", Schema('"string"', "AVRO"))

    assert caught.value.error_code == 40403
    assert httpx2.post(f"{url}/subjects/{ONE.subject}", content=b"{").json()["error_code"] == 42201
