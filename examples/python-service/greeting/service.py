"""Greets whoever asks over HTTP."""

import getpass
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT = int(os.environ.get("PORT", "8000"))


class Greeting(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from {getpass.getuser()}, {self.path.strip('/') or 'world'}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    if sys.argv[1:] == ["--check"]:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2).read()
        return
    HTTPServer(("127.0.0.1", PORT), Greeting).serve_forever()
