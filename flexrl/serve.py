"""Talk to a humanoid in a browser: `python -m flexrl.serve pretrained/humanoid-skills`.

Serves one page on which a policy's body walks in real time and does what is typed, and an HTTP API for programs.
Everything comes from this machine. See docs/serving.md.
"""

import os
import signal
import socket
import sys
from argparse import Namespace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from flexrl.common.errors import ConfigError, exit_codes

if TYPE_CHECKING:
    from flexrl.language.interpreter import Interpreter

TOKEN = "FLEXRL_TOKEN"  # environment variable with the token


def main(arguments: list[str]) -> None:
    """Run `flexrl.serve` with a command line: serve the page and the HTTP API for a run's policy, until Ctrl-C."""
    with exit_codes():
        options = _parse(arguments)
        try:
            import uvicorn  # noqa: F401
            from fastapi import FastAPI  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"serve: needs the packages of the extra `serve` ({error}); make setup, or pip install 'flex-rl[serve]'"
            ) from None
        from flexrl.serving.guard import require_safe

        require_safe(options.host, options.token)
        with _listening(options.host, options.port) as listener:
            _serve(options, listener)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser
    from flexrl.language.interpreter import FOLDER

    parser = Parser(prog="python -m flexrl.serve", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="a policy of humanoid-skills or of a joystick task")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; others than this need --token")
    parser.add_argument("--port", type=int, default=8765, help="port to listen at; 0 for any that is free")
    parser.add_argument("--token", default=os.environ.get(TOKEN), help=f"secret that clients must send; or set {TOKEN}")
    parser.add_argument("--step", default="best", help="checkpoint to use: best, latest or an iteration")
    parser.add_argument("--no-recover", action="store_true", help="let a body that falls lie, instead of getting up")
    parser.add_argument("--workspace", default="workspace", help="folder with the runs that the page offers")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the classifier of clauses")
    parser.add_argument("--encoder", type=Path, help="folder of the sentence encoder, instead of the installed package")
    options = parser.parse_args(arguments)
    if not 0 <= options.port < 2**16:
        raise ConfigError(f"port: {options.port} must be between 0 and {2**16 - 1}")
    return options


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket. It is opened before anything is loaded, so that a port in use is reported at once.

    Raises:
      ConfigError: if nothing can listen there.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        if listener is not None:
            listener.close()
        raise ConfigError(f"host: cannot listen at {host} port {port} ({error}); choose another --port") from None
    return listener


def _serve(options: Namespace, listener: socket.socket) -> None:
    """Load a run's policy and the model that reads instructions, and serve page and API until SIGTERM or Ctrl-C.

    Args:
      options: the command line's options.
      listener: the socket at which to serve.

    Raises:
      ConfigError: if there is no such run, it was trained on another task, or a model is missing.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # one world is stepped faster by native MuJoCo than on a GPU
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    import uvicorn

    from flexrl.execution.bodies import taught_skills
    from flexrl.serving.app import make_app
    from flexrl.serving.policies import Policies
    from flexrl.serving.session import Session
    from flexrl.storage.run_folder import find_run

    taught_skills(find_run(options.run, options.workspace))  # refuses a run of another task before anything is loaded
    print("loading the policy and the language model ...", file=sys.stderr, flush=True)
    policies = Policies(options.run, options.workspace, options.step, recovers=not options.no_recover)
    read = _reader(options)
    session = Session(policies.load(policies.first))
    app = make_app(session, read, policies, host=options.host, token=options.token)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ws_max_size=4096, timeout_graceful_shutdown=2, server_header=False
    )
    server = uvicorn.Server(config)

    def give_up() -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, _terminated)  # uvicorn raises it again when it has shut down
    session.start(on_failure=give_up)
    print(f"{address_of(options.host, listener.getsockname()[1])} - Ctrl-C ends it", flush=True)
    try:
        server.run(sockets=[listener])
    finally:
        session.stop()
    if session.failure is not None:
        raise session.failure


def _reader(options: Namespace) -> "Interpreter":
    from flexrl.language.interpreter import Interpreter

    try:
        reader = Interpreter.load(options.model, options.encoder)
    except ConfigError as error:
        raise ConfigError(f"{error}; `make setup` installs all that `make talk` needs") from None
    reader.compile_ahead()
    return reader


def address_of(host: str, port: int) -> str:
    """Return the address of the page, as a browser on this machine opens it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"


def _terminated(number: int, frame: FrameType | None) -> None:
    print("stopped: by SIGTERM", file=sys.stderr, flush=True)
    raise SystemExit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
