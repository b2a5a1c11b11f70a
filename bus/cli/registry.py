"""`bus registry`: schemas for ordinary deserialisers."""

from __future__ import annotations

from typing import Annotated

import typer

from bus.cli.command import Run, verb

noun = typer.Typer(
    help="スキーマレジストリ（読取り）/ A schema registry's read API.\n\nExample: bus registry serve --port 8081",
    no_args_is_help=True,
)


@verb(noun)
def serve(
    run: Run,
    port: Annotated[int, typer.Option(help="待受ポート / port to listen on")] = 8081,
    host: Annotated[str, typer.Option(help="待受アドレス / address to listen on")] = "127.0.0.1",
) -> None:
    """レジストリを動かす / Serve the numbers of schemas/ids.lock until interrupted.

    Example: bus registry serve --port 8081
    """
    import socket

    import uvicorn

    from bus.errors import Unavailable
    from bus.registry.api import app

    served = app(run.wiring.contracts)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror}", code="PORT_TAKEN", hint="--port N"
        ) from None
    url = f"http://{host}:{listener.getsockname()[1]}"
    if run.as_json:
        run.line({"url": url, "schemas": len(run.wiring.contracts.lock.entries)})
    else:
        run.say(f"{url} · {len(run.wiring.contracts.lock.entries)} schemas")
    uvicorn.Server(uvicorn.Config(served, log_level="warning", access_log=False)).run(sockets=[listener])
