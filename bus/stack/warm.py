"""How does the second start become a fast one? A throwaway broker teaches Java, as a module in the background."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bus.adapters.kafka import KafkaBroker
from bus.adapters.kafka_cluster import KafkaCluster, answers
from bus.broker import Message
from bus.stack import kafka
from bus.stack.home import Home, fresh
from bus.stack.java import Java, environment
from bus.stack.process import Process, spawn
from bus.topology.cluster import CreateTopic, TopicState

NAME = "aot-cache"


def begin(home: Home, java: Java, since: str) -> tuple[Process, subprocess.Popen[bytes]]:
    """One process of ours, ended by `down` like the others; an unfinished cache is thrown away and made next time."""
    command = [sys.executable, "-m", "bus.stack.warm", str(java.cache), *(str(jar) for jar in java.class_path)]
    return spawn(NAME, command, home.logs / f"{NAME}.log", since, cwd="/", env=environment())


def main(cache: Path, class_path: tuple[Path, ...]) -> None:
    os.nice(15)
    with cache.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another home is at it
        java = Java(class_path, cache)
        if not java.is_warm:
            with tempfile.TemporaryDirectory(prefix="bus-aot-") as folder:
                _make(java, Home(Path(folder)))


def _make(java: Java, home: Home) -> None:
    home.make()
    state = fresh(1, tls=False)
    node = kafka.nodes_of(home, state)[0]
    node.write([node])
    node.format(java, [node])
    part = home.path / "aot"
    command = java.command("kafka.Kafka", str(node.properties), aot=f"-XX:AOTCacheOutput={part}")
    with node.log.open("ab") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        client = kafka.client_of(home, state)
        kafka.wait([node], {node.name: child}, client, answers, 120.0)
        _exercise(dict(client))
        child.terminate()
        child.wait(180)  # Java writes the cache while it ends
    finally:
        child.kill()
        child.wait()
    if part.exists():
        final = java.cache.with_name(f".{java.cache.name}.{os.getpid()}")
        final.write_bytes(part.read_bytes())  # maybe across file systems
        final.replace(java.cache)


def _exercise(client: dict[str, str]) -> None:
    cluster = KafkaCluster(client, {})
    cluster.do([CreateTopic("warm", TopicState(1, 1, {}))])
    broker = KafkaBroker(client)
    broker.publish([Message("warm", b"key", b"value") for _ in range(100)])
    reader = broker.subscribe("warm", ["warm"], {})
    while not reader.poll(100, 1.0):
        pass
    reader.commit({("warm", 0): 1})
    reader.close()
    broker.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(Path(jar) for jar in sys.argv[2:]))
