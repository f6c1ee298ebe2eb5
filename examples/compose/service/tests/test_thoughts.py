"""The service from outside: requests over HTTP, on the database that DATABASE names."""

import json
import os
import unittest
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from thoughts import server, storage

ADDRESS = os.environ["DATABASE"]


class ThoughtsTests(unittest.TestCase):
    def setUp(self):
        storage.opened(ADDRESS).reset()
        self.server = server.made(ADDRESS, 0)
        server.Handler.log_message = lambda *arguments: None
        thread = Thread(target=self.server.serve_forever, args=[0.01])
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def ask(self, method, path, body=None, raw=None):
        data = raw if raw is not None else body and json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.server.server_port}{path}", data, method=method)
        try:
            with urlopen(request) as response:
                return response.status, json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def create(self, text):
        status, thought = self.ask("POST", "/thoughts", {"text": text})
        self.assertEqual(status, 201)
        return thought

    def test_list_is_empty_at_first(self):
        self.assertEqual(self.ask("GET", "/thoughts"), (200, []))

    def test_create_returns_the_thought(self):
        self.assertEqual(self.create("first"), {"id": 1, "text": "first"})

    def test_create_gives_each_a_number(self):
        self.assertEqual([self.create(text)["id"] for text in "abc"], [1, 2, 3])

    def test_create_keeps_text_as_it_is(self):
        text = "zwölf Boxkämpfer 🥊 'quoted' \"twice\" %s ? ; DROP TABLE thought"
        self.create(text)
        self.assertEqual(self.ask("GET", "/thoughts/1")[1]["text"], text)

    def test_create_needs_text(self):
        self.assertEqual(self.ask("POST", "/thoughts", {"text": ""})[0], 400)
        self.assertEqual(self.ask("POST", "/thoughts", {"other": "x"})[0], 400)

    def test_create_needs_a_string(self):
        self.assertEqual(self.ask("POST", "/thoughts", {"text": 5})[0], 400)

    def test_create_needs_json(self):
        self.assertEqual(self.ask("POST", "/thoughts", raw=b"{")[0], 400)
        self.assertEqual(self.ask("POST", "/thoughts", raw=b"")[0], 400)

    def test_list_has_all_in_order(self):
        thoughts = [self.create(text) for text in ("b", "a", "c")]
        self.assertEqual(self.ask("GET", "/thoughts"), (200, thoughts))

    def test_search_finds_parts(self):
        self.create("sleep on it")
        found = self.create("think twice")
        self.assertEqual(self.ask("GET", "/thoughts?search=" + quote("k tw")), (200, [found]))

    def test_search_knows_no_wildcards(self):
        self.create("abc")
        self.assertEqual(self.ask("GET", "/thoughts?search=" + quote("a%c")), (200, []))

    def test_get_one(self):
        thought = self.create("one")
        self.assertEqual(self.ask("GET", "/thoughts/1"), (200, thought))

    def test_get_of_none(self):
        self.assertEqual(self.ask("GET", "/thoughts/7"), (404, {"error": "Not Found"}))

    def test_change(self):
        self.create("old")
        self.assertEqual(self.ask("PUT", "/thoughts/1", {"text": "new"}), (200, {"id": 1, "text": "new"}))
        self.assertEqual(self.ask("GET", "/thoughts")[1], [{"id": 1, "text": "new"}])

    def test_change_of_none(self):
        self.assertEqual(self.ask("PUT", "/thoughts/1", {"text": "new"})[0], 404)

    def test_delete(self):
        thought = self.create("gone")
        self.assertEqual(self.ask("DELETE", "/thoughts/1"), (200, thought))
        self.assertEqual(self.ask("GET", "/thoughts/1")[0], 404)

    def test_delete_of_none(self):
        self.assertEqual(self.ask("DELETE", "/thoughts/1")[0], 404)

    def test_other_paths(self):
        for method, path in (("GET", "/"), ("GET", "/others"), ("GET", "/thoughts/x"), ("POST", "/others")):
            self.assertEqual(self.ask(method, path)[0], 404, path)
        self.assertEqual(self.ask("POST", "/thoughts/1", {"text": "x"})[0], 405)
