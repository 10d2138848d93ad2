"""Plans from a language model's server; the server is a small one of the tests' own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flexrl import instruct
from flexrl.language.llm import MAX_ANSWER, LlmPlanner, PlannerError
from flexrl.language.plan import Plan, Refusal, Segment, Until

WALK = {"skill": "walk-forward", "speed": None, "until": {"metres": 2}}
TURN = {"skill": "turn-left", "speed": None, "until": {"degrees": 90}}
SQUARE = [WALK, TURN] * 4


def plan(segments=SQUARE, **changed):
    return json.dumps({"text": "x", "accepted": True, "segments": segments, "reason": None} | changed)


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, asked))
            body = server.answer
            if not isinstance(body, bytes):
                body = json.dumps({"choices": [{"message": {"content": body}}]}).encode()
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status, server.url = [], 200, f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_plan_is_asked_for_under_the_schema(server):
    server.answer = plan()
    found = LlmPlanner(server.url, "small")("walk in a square")
    assert found == Plan(
        (Segment("walk-forward", None, Until("metres", 2)), Segment("turn-left", None, Until("degrees", 90))) * 4
    )
    ((path, asked),) = server.asked
    assert path == "/v1/chat/completions" and asked["model"] == "small"
    assert asked["messages"][-1] == {"role": "user", "content": "walk in a square"}
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["text", "accepted", "segments", "reason"]


def test_a_refusal_is_a_result(server):
    server.answer = plan([], accepted=False, reason="cartwheel")
    assert LlmPlanner(server.url)("do a cartwheel") == Refusal("cartwheel")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("certainly! here is your plan", "answered with no plan"),
        (plan([{"skill": "fly", "speed": None, "until": None}]), "skill: unknown 'fly'"),
        (plan([{"skill": "jump", "speed": None, "until": {"metres": 3}}]), "jump cannot end by metres"),
        (plan([{"skill": "run", "speed": None, "until": {"metres": 1e9}}]), "must be above 0 and at most"),
        (plan([]), "0 of them"),
        ("[" * 100_000, "more than"),
        (b"<html>", "something else than a chat completion"),
        (b"x" * (MAX_ANSWER + 1), "more than"),
    ],
)
def test_nonsense_is_refused_in_one_line(server, answer, reason):
    server.answer = answer
    with pytest.raises(PlannerError, match=reason) as error:
        LlmPlanner(server.url)("walk")
    assert "\n" not in str(error.value)


def test_the_small_model_reads_what_a_server_does_not(server, capsys):
    server.status, server.answer = 500, b""
    instruct.main(["walk 2 m", "--plan-only", "--json", "--planner", "llm", "--llm-url", server.url])
    out, err = capsys.readouterr()
    assert json.loads(out)["segments"][0]["until"] == {"metres": 2}
    assert "does not answer" in err and "the small model reads it" in err
