"""The web page and the HTTP API by which clients instruct and watch a session: one humanoid simulated in real time."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.execution.worlds import possible
from flexrl.language.plan import Plan, Refusal, to_json
from flexrl.serving.guard import Guard
from flexrl.serving.limits import MAX_STREAMS, Rates, cleaned, why_too_long
from flexrl.serving.messages import (
    Accepted,
    Answer,
    Choice,
    Health,
    Instruction,
    Names,
    Pause,
    Problem,
    Push,
    Started,
    State,
    Velocity,
    state_of,
)
from flexrl.serving.policies import Policies
from flexrl.serving.scene import Scene, scene_of
from flexrl.serving.session import Session
from flexrl.serving.stream import serve_stream

PAGE = Path(__file__).parent / "page"
STALLED_SECONDS = 5.0  # s without a control step after which the session counts as stuck
DESCRIPTION = (
    "Tell a simulated humanoid what to do, in words, and watch it. Lengths in m, angles in rad, left positive."
)
Reader = Callable[[str], Plan | Refusal]  # reads an instruction


class Server:
    """What all HTTP routes share: the session, the reader of instructions, the policies, and limits for clients."""

    def __init__(self, session: Session, read: Reader, policies: Policies, rates: Rates) -> None:
        """Serve a session.

        Args:
          session: the live body.
          read: turns an instruction into a plan or a refusal.
          policies: the policies that a client may choose.
          rates: how often one client's address may send requests.
        """
        self.session, self.policies = session, policies
        self.num_streams = 0
        self._read, self._rates = read, rates
        self._reading, self._loading = threading.Lock(), threading.Lock()

    def limit(self, request: Request) -> None:
        """Refuse a request of an address that asks too often.

        Raises:
          HTTPException: 429, which says when to ask again.
        """
        wait = self._rates.take(request.client.host if request.client else "")
        if wait:
            detail = f"rate: too many requests; ask again in {wait:.2f} s"
            raise HTTPException(429, detail, headers={"Retry-After": str(int(wait) + 1)})

    def instruct(self, text: str) -> Answer:
        """Read an instruction and follow its plan, or say why it is refused."""
        asked_at = time.monotonic()
        if reason := why_too_long(text):
            raise HTTPException(422, reason)
        text = cleaned(text)
        with self._reading:
            answer = possible(self._read(text), self.session.snapshot.body.taught)
            number = self.session.follow(text, answer, asked_at) if isinstance(answer, Plan) else None
        return Answer(**to_json(text, answer), number=number)

    def choose(self, name: str) -> None:
        """Load a policy by its name, and replace the body in the session by that of this policy.

        Raises:
          HTTPException: 409 while another policy is being loaded, 422 if this one cannot be loaded.
        """
        if not self._loading.acquire(blocking=False):
            raise HTTPException(409, "name: another policy is being loaded; ask again when it is there")
        try:
            self.session.replace(self.policies.load(name))
        except (ConfigError, CheckpointError) as error:
            raise HTTPException(422, " ".join(str(error).split())) from None
        finally:
            self._loading.release()


def make_app(
    session: Session, read: Reader, policies: Policies, *, host: str, token: str | None, rates: Rates | None = None
) -> Guard:
    """Return the ASGI app that serves one simulated humanoid: its web page, HTTP API and stream over a WebSocket.

    The app can be given to a server such as uvicorn. It starts neither that server nor the simulation.

    Args:
      session: the simulation of the humanoid in real time, which the caller starts and stops.
      read: function that turns an instruction in words into a plan, or into a refusal with the reason.
      policies: the policies by which a client may let the humanoid move.
      host: address at which the server will listen. If only this machine can reach it, requests by another host name
        are refused.
      token: secret that every request must carry, except `/healthz`. None asks for no secret: give None only if `host`
        can be reached from this machine only, which is not checked here.
      rates: how often one client's address may send POST requests; None for the defaults of `Rates`.
    """
    server = Server(session, read, policies, rates or Rates())
    app = FastAPI(title="flex-rl", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None)
    app.add_exception_handler(RequestValidationError, _invalid)  # pyright: ignore[reportArgumentType]
    app.include_router(_api(server))
    _add_stream(app, server)
    _add_page(app)
    return Guard(app, host=host, token=token)


def _api(server: Server) -> APIRouter:
    api = APIRouter(responses=_problems(401, 403, 413, 421))
    asking = APIRouter(dependencies=[Depends(server.limit)], responses=_problems(400, 422, 429))
    session = server.session

    @api.get("/healthz", responses=_problems(503))
    def healthz() -> Health:
        """Say whether the server works. Needs no token."""
        if time.monotonic() - session.snapshot.at > STALLED_SECONDS:
            raise HTTPException(503, f"physics: has taken no control step for {STALLED_SECONDS:g} s")
        return Health()

    @api.get("/v1/state")
    def state() -> State:
        """Return the body and its plan as they are now."""
        return state_of(session.snapshot)

    @api.get("/v1/scene")
    def scene() -> Scene:
        """Return the shapes to draw. Their bodies' poses come by the WebSocket /v1/stream."""
        return scene_of(session.snapshot.body.model)

    @api.get("/v1/policies")
    def policies() -> Names:
        """Return the policies that can be chosen, and the present one."""
        return Names(names=server.policies.names(), present=session.snapshot.body.name)

    @asking.post("/v1/instruct")
    def instruct(instruction: Instruction) -> Answer:
        """Read an instruction. Its plan is followed from the next control step on, unless it is refused."""
        return server.instruct(instruction.text)

    @asking.post("/v1/drive")
    def drive(velocity: Velocity) -> Started:
        """Let the body move with a velocity for a second, and then stand. Send it again to go on."""
        return Started(number=session.drive(velocity.forward, velocity.left, velocity.turn))

    @asking.post("/v1/push")
    def push(push: Push) -> Accepted:
        """Push the body: add a velocity to its own at once."""
        session.push(push.forward, push.left)
        return Accepted()

    @asking.post("/v1/pause")
    def pause(pause: Pause) -> Accepted:
        """Stop the simulation, or let it go on."""
        session.pause(pause.paused)
        return Accepted()

    @asking.post("/v1/reset")
    def reset(nothing: Annotated[None, Body()] = None) -> Accepted:
        """Put the body back onto its feet."""
        session.reset()
        return Accepted()

    @asking.post("/v1/policy", responses=_problems(409))
    def policy(choice: Choice) -> Accepted:
        """Go on with another policy. Answers when it has been loaded."""
        server.choose(choice.name)
        return Accepted()

    api.include_router(asking)
    return api


def _add_stream(app: FastAPI, server: Server) -> None:
    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket, poses: bool = True) -> None:
        """Send the state of the body and its plan as JSON text, and the poses of all bodies as binary messages.

        With `poses=false` only the text is sent. Refuses with status 429 if `MAX_STREAMS` streams are open.
        """
        if server.num_streams >= MAX_STREAMS:
            problem = {"detail": f"streams: {MAX_STREAMS} are open, which is the most; close one"}
            await socket.send_denial_response(JSONResponse(problem, 429))
            return
        server.num_streams += 1
        try:
            await serve_stream(socket, server.session, has_poses=poses)
        finally:
            server.num_streams -= 1


def _add_page(app: FastAPI) -> None:
    def page(name: str) -> Callable[[], FileResponse]:
        return lambda: FileResponse(PAGE / name)

    app.add_api_route("/", page("index.html"), include_in_schema=False)
    app.add_api_route("/docs", page("docs.html"), include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))


def _problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {status: {"model": Problem} for status in statuses}


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request whose body does not fit its schema: status 422, and one line that names the field."""
    first = error.errors()[0]
    is_json = first["type"] != "json_invalid"
    field = ".".join(str(x) for x in first["loc"] if x != "body") if is_json else ""
    said = first["msg"].replace("Input should", "must") if is_json else "is no JSON"
    return JSONResponse({"detail": cleaned(f"{field or 'body'}: {said}")[:300]}, 422)
