"""A server that speaks the few endpoints of the Hugging Face Hub by which its client uploads and downloads files."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_test"


class Hub(ThreadingHTTPServer):
    """Repositories by name: files as bytes by path. `failing` answers everything with that status."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.messages: list[str] = []
        self.failing = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, name):
        """The commit of a repository, by its content."""
        content = {path: hashlib.sha1(data).hexdigest() for path, data in self.repositories[name].items()}
        return hashlib.sha1(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, content=None, headers=None, data=None):
        data = json.dumps(content).encode() if data is None else data
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def refused(self, name=None):
        """Answer a request that cannot be served; return whether there was a reason to."""
        if self.server.failing:
            self.answer(self.server.failing, {"error": "failing"})
        elif name is not None and name not in self.server.repositories:
            self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        else:
            return False
        return True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self.path.partition("?")[0].strip("/").split("/")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": "Invalid credentials"})
        if parts == ["api", "repos", "create"]:
            wanted = json.loads(body)
            name = "/".join(filter(None, (wanted.get("organization"), wanted["name"])))
            if self.refused():
                return None
            self.server.repositories.setdefault(name, {})
            if wanted.get("private") or wanted.get("visibility") == "private":
                self.server.private.add(name)
            return self.answer(200, {"url": f"{self.server.address}/{name}"})
        if parts == ["api", "validate-yaml"]:
            return self.answer(200, {"errors": [], "warnings": []})
        name = "/".join(parts[2:4])
        if self.refused(name):
            return None
        files = self.server.repositories[name]
        if parts[4] == "preupload":
            paths = [file["path"] for file in json.loads(body)["files"]]
            answers = [{"path": path, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for path in paths]
            return self.answer(200, {"files": answers})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "header":
                self.server.messages.append(line["value"]["summary"])
        commit = self.server.commit(name)
        url = f"{self.server.address}/{name}/commit/{commit}"
        return self.answer(200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    def do_GET(self):
        parts = self.path.partition("?")[0].strip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if is_api else parts[:2])
        if self.refused(name):
            return None
        files, commit = self.server.repositories[name], self.server.commit(name)
        if is_api and parts[4:5] == ["tree"]:
            rows = [{"type": "file", "path": path, "size": len(data), "oid": "0" * 40} for path, data in files.items()]
            return self.answer(200, rows)
        if is_api:
            siblings = [{"rfilename": path} for path in files]
            return self.answer(200, {"id": name, "sha": commit, "siblings": siblings, "private": False, "tags": []})
        path = "/".join(parts[4:])
        if path not in files:
            return self.answer(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha1(files[path]).hexdigest()}"'}
        return self.answer(200, None, headers | {"Content-Type": "application/octet-stream"}, files[path])

    do_HEAD = do_GET
