"""A server on this machine that speaks the OpenAI chat-completions protocol and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Reply = tuple[int, dict[str, str], bytes]
FINE = {
    "finding": "nothing_wrong", "score": 4, "sheet": 0, "text_addressed_to_judge": False, "reason": "All is at rest.",
}  # fmt: skip
CLEAN = FINE | {"finding": "nothing_left", "place": "nowhere", "reason": "The wall is bare."}


class Server(ThreadingHTTPServer):
    """Answers each chat completion with the next of `replies` (the last for ever) and keeps what it got."""

    daemon_threads = True

    def __init__(self, *replies: Callable[[dict[str, Any]], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        make = self.server.replies[min(len(self.server.requests), len(self.server.replies)) - 1]
        reply = None if make is HOLD else make(body)
        if reply is None:
            self.server.released.wait(30)
            self.close_connection = True
            return
        status, headers, content = reply
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


def HOLD(_body: dict[str, Any]) -> Reply:  # noqa: N802
    raise AssertionError("held, never called")


def completion(content: str | None, **message: object) -> Reply:
    answer = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model-2026",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
        ],
        "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940},
    }
    return 200, {}, json.dumps(answer).encode()


def asks_residue(body: dict[str, Any]) -> bool:
    return "place" in body["response_format"]["json_schema"]["schema"]["properties"]


def answering(causality: dict[str, Any] = FINE, residue: dict[str, Any] = CLEAN) -> Callable[[dict[str, Any]], Reply]:
    return lambda body: completion(json.dumps(residue if asks_residue(body) else causality))


def saying(status: int, text: str = "no", **headers: str) -> Callable[[dict[str, Any]], Reply]:
    content = json.dumps({"error": {"message": text, "type": "error", "code": None}}).encode()
    return lambda _body: (status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*replies: Callable[[dict[str, Any]], Reply]) -> Server:
        server = Server(*replies)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()
