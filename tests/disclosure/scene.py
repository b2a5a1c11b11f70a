"""How do tests of the projector speak to it, and what did a department hear?"""

from bus.disclosure.projector import Projector
from tests.disclosure.town import CANONICAL, ENTITY, TOWN, Person, audience, image, message, records

TOPIC = CANONICAL.topic
ZEI = TOWN.narrowed("zei", ENTITY)


def make(broker, positions, holder="one", **rules):
    return Projector(broker, positions, {TOPIC: audience(**rules)}, holder=holder)


def log(broker, topic=ZEI):
    found = []
    for place, there in sorted(broker.logs.items()):
        if place[0] == topic:
            found += there
    return found


def told(broker, subscription="zei"):
    """(key, version, mode) of a department's topic, in order."""
    return [
        (one["key"], one["version"], one["mode"])
        for one in records(log(broker, TOWN.narrowed(subscription, ENTITY)), subscription)
    ]


def life(key, number=0, versions=3, partition=0):
    person = Person(key, number)
    return [message(person.says(image(name__full=f"{key}{index}")), partition) for index in range(versions)]
