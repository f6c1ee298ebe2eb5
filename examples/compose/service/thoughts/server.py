"""Answers HTTP: GET and POST /thoughts, GET, PUT and DELETE /thoughts/NUMBER."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from thoughts import storage


class Refused(Exception):
    """A request that is answered with a status and a reason."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(lambda number, search: self.one(number) if number else (200, self.thoughts.list(search)))

    def do_POST(self):
        self.answer(lambda number, _: self.refuse(405) if number else (201, self.thoughts.create(self.text())))

    def do_PUT(self):
        self.answer(lambda number, _: (200, self.thoughts.change(number, self.text()) or self.refuse(404)))

    def do_DELETE(self):
        self.answer(lambda number, _: (200, self.thoughts.delete(number) or self.refuse(404)))

    def one(self, number):
        return 200, self.thoughts.get(number) or self.refuse(404)

    def refuse(self, status, reason=None):
        raise Refused(status, reason or self.responses[status][0])

    def text(self):
        """The text in the body of the request."""
        try:
            text = json.loads(self.body)["text"]
        except (ValueError, TypeError, KeyError):
            text = None
        return text if isinstance(text, str) and text else self.refuse(400, 'expected {"text": "..."}')

    def place(self):
        """The number in the path, if there is one, and what is searched for."""
        address = urlsplit(self.path)
        head, _, number = address.path.strip("/").partition("/")
        if head != "thoughts" or (number and not number.isdigit()):
            self.refuse(404)
        return int(number or 0), parse_qs(address.query).get("search", [""])[0]

    def answer(self, action):
        # Read whatever comes of it, or the connection would be reset.
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status, value = action(*self.place())
        except Refused as refused:
            status, value = refused.args[0], {"error": refused.args[1]}
        except Exception as error:
            print(f"error: {error}", file=sys.stderr)
            status, value = 503, {"error": "the database does not answer"}
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def made(address, port):
    """A server that is not started yet; port 0 is any free one."""
    handler = type("Handler", (Handler,), {"thoughts": storage.opened(address)})
    server = ThreadingHTTPServer(("", port), handler)
    # So that the end waits for requests that are being answered.
    server.daemon_threads = False
    return server


def main():
    # Process 1 gets no signal that it neither handles nor waits for.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = made(os.environ["DATABASE"], int(os.environ.get("PORT", "8000")))
    Thread(target=server.serve_forever).start()
    print(f"listening on port {server.server_port}")
    signal.sigwait(signals)
    print("graceful shutdown")
    server.shutdown()
    server.server_close()
