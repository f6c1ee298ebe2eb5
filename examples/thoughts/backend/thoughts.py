"""Answers GET with all thoughts or those that contain ?search=, and keeps the body of each POST."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import psycopg2

HOST = os.environ["DATABASE_HOST"]


def query(statement, *values):
    """The rows that a statement gives, in a transaction of its own."""
    with psycopg2.connect(host=HOST, user="thoughts", dbname="thoughts", connect_timeout=5) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


class Thoughts(BaseHTTPRequestHandler):
    def do_GET(self):
        search = parse_qs(urlsplit(self.path).query).get("search", [""])[0]
        self.answer(200, "SELECT id, text FROM thought WHERE strpos(text, %s) > 0 ORDER BY id", search)

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(201, "INSERT INTO thought (text) VALUES (%s) RETURNING id, text", text)

    def answer(self, status, *statement):
        try:
            body = [{"id": number, "text": text} for number, text in query(*statement)]
        except psycopg2.OperationalError as error:
            status, body = 503, {"error": str(error).strip()}
        body = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    # Process 1 gets no signal that it neither handles nor waits for.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = ThreadingHTTPServer(("", 8000), Thoughts)
    # So that the end waits for requests that are being answered.
    server.daemon_threads = False
    Thread(target=server.serve_forever).start()
    print("listening on port 8000")
    number = signal.sigwait(signals)
    print("graceful shutdown triggered")
    server.shutdown()
    server.server_close()
    sys.exit(128 + number)


main()
