"""How does a journey look into a database, past everything of the bus?"""

from __future__ import annotations

import psycopg
from sqlalchemy.engine import make_url


def connect(url: str) -> psycopg.Connection:
    """Each statement by itself; to be used in a `with`."""
    return psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    )
