"""Receivers of alerts on this machine, for tests: an HTTP and an SMTP server that keep what they accept.

What they do with a delivery is planned from outside: accept it, refuse it, or accept it and close the connection
without an answer. A plan may also end the process that sends.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEADER = "X-Account-Mapping-Alert"
ACCEPT, REFUSE, SILENT = "accept", "refuse", "silent"


@dataclass(frozen=True)
class Delivery:
    """What one receiver accepted. kind: `http` or `smtp`. message_id: of an e-mail."""

    kind: str
    alert_id: str
    title: str
    body: str
    message_id: str | None = None


@dataclass
class Inbox:
    """What both receivers accepted, in order. plan: called before a delivery is kept; kept: called after, before the
    answer."""

    plan: Callable[[str], str] = lambda alert_id: ACCEPT
    kept: Callable[[str], None] = lambda alert_id: None
    deliveries: list[Delivery] = field(default_factory=list)
    refused: int = 0
    silent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, delivery: Delivery) -> str:
        """Keep a delivery or not, and say what to answer."""
        with self.lock:
            answer = self.plan(delivery.alert_id)
            if answer == REFUSE:
                self.refused += 1
                return answer
            self.deliveries.append(delivery)
            self.silent += answer == SILENT
            self.kept(delivery.alert_id)
            return answer


class HttpHandler(BaseHTTPRequestHandler):
    """Accepts what apprise's json:// posts."""

    inbox: Inbox

    def do_POST(self) -> None:
        content: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.inbox.take(Delivery("http", self.headers[HEADER], content["title"], content["message"]))
        if answer == SILENT:
            self.close_connection = True
            return
        self.send_response(200 if answer == ACCEPT else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class SmtpHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a client without encryption and password needs."""

    inbox: Inbox

    def handle(self) -> None:
        self._say("220 localhost")
        for line in self.rfile:
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self._say("354 go on")
                answer = self.inbox.take(_email(self._data()))
                if answer == SILENT:
                    return
                self._say("250 kept" if answer == ACCEPT else "451 not now")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line in (b".\r\n", b".\n"):
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


def _email(data: bytes) -> Delivery:
    read: Message = message_from_bytes(data, policy=default)
    body = read.get_body(("plain", "html")).get_content().replace("\r\n", "\n").strip()
    return Delivery("smtp", read[HEADER], read["Subject"], body, read["Message-ID"])


class SmtpServer(socketserver.ThreadingTCPServer):
    """Answers each connection in a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A sender that was killed is none."""


class HttpServer(ThreadingHTTPServer):
    """The same for HTTP."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A sender that was killed is none."""


@contextmanager
def receivers(inbox: Inbox) -> Iterator[dict[str, str]]:
    """Both servers, on ports of their own on this machine; gives apprise's addresses by kind."""
    servers = {
        "http": HttpServer(("127.0.0.1", 0), type("Http", (HttpHandler,), {"inbox": inbox})),
        "smtp": SmtpServer(("127.0.0.1", 0), type("Smtp", (SmtpHandler,), {"inbox": inbox})),
    }
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers.values()]
    for thread in threads:
        thread.start()
    ports = {kind: server.server_address[1] for kind, server in servers.items()}
    try:
        yield {
            "http": f"json://127.0.0.1:{ports['http']}/",
            "smtp": (
                f"mailto://127.0.0.1:{ports['smtp']}/?from=alerts@us.example&to=ann@us.example&mode=insecure&format=text"
            ),
        }
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()
