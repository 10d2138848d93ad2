"""The HTTP API, its guard and its limits, with a body whose motion is scripted and the real reader of instructions."""

import itertools
import json

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
from starlette.testclient import TestClient, WebSocketDenialResponse  # noqa: E402

from flexrl.common.errors import ConfigError
from flexrl.language.plan import Plan, Refusal, Segment, Until
from flexrl.serving import app as app_module
from flexrl.serving.app import make_app
from flexrl.serving.guard import MAX_BODY, require_safe
from flexrl.serving.limits import MAX_STREAMS, MAX_TEXT, Rates
from flexrl.serving.session import Session
from tests.flexrl.serving.scripted import ScriptedBody

TOKEN = "0123456789abcdef"
HOME = "http://127.0.0.1:8765"
PLAN = Plan((Segment("walk-forward", None, Until("metres", 3), 0.9),))


def read(text):
    """Understands two sentences."""
    known = {"walk": PLAN, "jump": Plan((Segment("jump"),))}
    return known.get(text) or Refusal(f"{text!r} was not understood")


class TwoPolicies:
    first = "scripted"

    def names(self):
        return ["scripted", "other"]

    def load(self, name):
        if name not in self.names():
            raise ConfigError(f"name: {name!r} is no policy")
        return ScriptedBody(name)


@pytest.fixture
def session():
    return Session(ScriptedBody())


def client_of(session, *, base=HOME, headers=None, host="127.0.0.1", token=None, rates=None):
    app = make_app(session, read, TwoPolicies(), host=host, token=token, rates=rates or Rates(1e6, 10**6))
    return TestClient(app, base_url=base, headers=headers, raise_server_exceptions=True)


def stream_of(client, query="", headers=None):
    return client.websocket_connect(f"ws://{client.base_url.netloc.decode()}/v1/stream{query}", headers=headers or {})


@pytest.fixture
def client(session):
    return client_of(session)


def test_an_instruction_becomes_a_plan_that_is_followed(client, session):
    answer = client.post("/v1/instruct", json={"text": "walk"}).json()
    segment = {"skill": "walk-forward", "speed": None, "until": {"metres": 3}, "confidence": 0.9}
    assert answer == {"text": "walk", "accepted": True, "segments": [segment], "reason": None, "number": 2}
    session.advance()
    state = client.get("/v1/state").json()
    assert (state["plan"]["number"], state["plan"]["text"], state["motion"]["forward"]) == (2, "walk", 1.0)


def test_what_is_not_understood_or_not_taught_is_refused_in_words_and_the_plan_goes_on(client, session):
    client.post("/v1/instruct", json={"text": "walk"})
    for text, words in (("fly\x00 <b>away</b>", "'fly <b>away</b>'"), ("jump", "not taught to jump"), ("", "''")):
        answer = client.post("/v1/instruct", json={"text": text})
        assert answer.status_code == 200 and not answer.json()["accepted"]
        assert words in answer.json()["reason"] and answer.json()["number"] is None
    session.advance()
    assert client.get("/v1/state").json()["plan"]["text"] == "walk"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/instruct", {"text": "x" * 5000}, 422, f"5000 characters are too many; say it in at most {MAX_TEXT}"),
        ("/v1/instruct", {"text": "x" * MAX_BODY}, 413, "bytes are too many"),
        ("/v1/instruct", {"text": 3}, 422, "text: must be a valid string"),
        ("/v1/instruct", {}, 422, "text: Field required"),
        ("/v1/instruct", {"text": "walk", "also": 1}, 422, "also: Extra inputs are not permitted"),
        ("/v1/drive", {"forward": 9}, 422, "forward: must be less than or equal to 3"),
        ("/v1/push", {"left": -3}, 422, "left: must be greater than or equal to -2"),
        ("/v1/pause", {"paused": "perhaps"}, 422, "paused: must be a valid boolean"),
        ("/v1/policy", {"name": "../../etc"}, 422, "name: '../../etc' is no policy"),
    ],
)
def test_bad_input_is_answered_in_one_line(client, path, body, status, words):
    answer = client.post(path, json=body)
    assert answer.status_code == status and list(answer.json()) == ["detail"]
    assert words in answer.json()["detail"] and "\n" not in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"forward": NaN}', b'{"forward": 1e999}', b"[]", b""])
def test_bytes_that_are_no_json_object_are_answered_in_one_line(client, content):
    answer = client.post("/v1/drive", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422) and isinstance(answer.json()["detail"], str)


def test_buttons_reach_the_body(client, session):
    body = session.snapshot.body
    assert client.post("/v1/drive", json={"forward": 0.8, "turn": 0.3}).status_code == 200
    session.advance()
    assert body.velocity.tolist() == pytest.approx([0.8, 0, 0.3])
    client.post("/v1/push", json={"forward": 1.0})
    session.advance()
    assert body.pushes == [pytest.approx((1.0, 0.0))]
    client.post("/v1/pause", json={"paused": True})
    session.advance()
    assert client.get("/v1/state").json()["is_paused"]
    client.post("/v1/reset", json=None)
    session.advance()
    assert client.get("/v1/state").json()["plan"]["source"] == "reset"


def test_another_policy_is_chosen_by_its_name(client, session):
    assert client.get("/v1/policies").json() == {"names": ["scripted", "other"], "present": "scripted"}
    assert client.post("/v1/policy", json={"name": "other"}).status_code == 200
    session.advance()
    assert client.get("/v1/policies").json()["present"] == "other"


def test_whoever_asks_too_often_is_told_when_to_ask_again(session):
    client = client_of(session, rates=Rates(rate=0.01, burst=2))
    answers = [client.post("/v1/instruct", json={"text": "walk"}) for _ in range(3)]
    assert [x.status_code for x in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 1 and "too many requests" in answers[2].json()["detail"]
    assert client.get("/v1/state").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:8765", "origin": "http://evil.example:8765"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": HOME}, 200),
        ({"host": "localhost:8765", "origin": "http://localhost:8765"}, 200),
        ({"host": "[::1]:8765"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_and_names_that_point_here_are_refused(client, session, headers, status):
    assert client.post("/v1/instruct", json={"text": "walk"}, headers=headers).status_code == status
    assert (session.advance().task.text == "walk") == (status == 200)
    if status == 200:
        with stream_of(client, headers=headers) as stream:
            assert stream.receive_bytes()
    else:
        with pytest.raises(WebSocketDenialResponse) as refused, stream_of(client, headers=headers):
            pass
        assert refused.value.status_code == status


def test_a_token_lets_in_by_header_address_and_cookie(session):
    arguments = {"host": "0.0.0.0", "token": TOKEN, "base": "http://robot.lan:8765"}
    stranger = client_of(session, **arguments)
    assert stranger.get("/v1/state").status_code == stranger.get("/").status_code == 401
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/v1/state?token=wrong").status_code == 401
    assert stranger.get("/v1/state", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    cookie = stranger.get(f"/?token={TOKEN}").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert stranger.get("/v1/state").status_code == 200  # by the cookie
    foreign = {"cookie": f"a/b(c=1; flexrl_token={TOKEN}; d"}  # with cookies of other servers of the same machine
    assert client_of(session, **arguments, headers=foreign).get("/v1/state").status_code == 200
    wrong = {"cookie": b"flexrl_token=\xe9; a/b=1"}
    assert client_of(session, **arguments, headers=wrong).get("/v1/state").status_code == 401
    with stream_of(stranger) as stream:
        assert stream.receive_bytes()


def test_other_addresses_need_a_token_that_cannot_be_guessed():
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        require_safe(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.3", "robot.lan"):
        require_safe(host, TOKEN)
        with pytest.raises(ConfigError, match=f"host: {host} can be reached from other machines; add --token"):
            require_safe(host, None)
    with pytest.raises(ConfigError, match="token: must have at least 16"):
        require_safe("0.0.0.0", "short")


def test_the_stream_sends_states_and_poses_as_they_change(client, session):
    with stream_of(client) as stream:
        pose = np.frombuffer(stream.receive_bytes(), "<f4")
        assert len(pose) == 1 + 7 * session.snapshot.body.model.nbody
        assert json.loads(stream.receive_text()) == client.get("/v1/state").json()
        client.post("/v1/instruct", json={"text": "walk"})
        session.advance()
        later = np.frombuffer(stream.receive_bytes(), "<f4")
        assert later[0] == pytest.approx(session.snapshot.seconds) and later[8] == pytest.approx(0.01)  # the torso's x
        assert json.loads(stream.receive_text())["plan"]["text"] == "walk"
    with stream_of(client, "?poses=false") as stream:
        stream.send_text("is not read")
        assert json.loads(stream.receive_text())["policy"] == "scripted"


def test_only_so_many_streams_are_open_at_once(client):
    streams = [stream_of(client) for _ in range(MAX_STREAMS)]
    for stream in streams:
        stream.__enter__()
        stream.receive_bytes()
    with pytest.raises(WebSocketDenialResponse) as refused, stream_of(client):
        pass
    assert refused.value.status_code == 429 and "streams: 8 are open" in refused.value.json()["detail"]
    for stream in streams:
        stream.__exit__(None, None, None)
    with stream_of(client) as stream:
        assert stream.receive_bytes()


def test_health_says_when_the_physics_stands(client, session, monkeypatch):
    session.advance()
    assert client.get("/healthz").json() == {"status": "ok"}
    monkeypatch.setattr(app_module, "STALLED_SECONDS", 0.0)
    assert client.get("/healthz").status_code == 503


def test_everything_that_the_page_loads_is_served_here_and_nothing_else_may_be_loaded(client):
    page = client.get("/")
    assert page.status_code == 200 and "default-src 'self'" in page.headers["content-security-policy"]
    files = [path.name for path in app_module.PAGE.iterdir() if path.is_file()]
    for name in itertools.chain(files, ["three/three.min.js"]):
        answer = client.get(f"/page/{name}")
        assert answer.status_code == 200, name
        if not name.startswith("three"):
            assert (
                "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "") and "https://" not in answer.text
            )
            assert "innerHTML" not in answer.text and "<script>" not in answer.text
    assert client.get("/docs").status_code == 200
    assert client.get("/page/../app.py").status_code == client.get("/page/%2e%2e/app.py").status_code == 404


def test_the_schema_names_every_route(client):
    schema = client.get("/openapi.json").json()
    assert {"/healthz", "/v1/state", "/v1/instruct", "/v1/drive", "/v1/policy"} <= schema["paths"].keys()
    assert {"200", "422", "429"} <= schema["paths"]["/v1/instruct"]["post"]["responses"].keys()
