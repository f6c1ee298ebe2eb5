"""Keeps thoughts in SQLite or PostgreSQL, whichever an address names."""

import sqlite3
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

SCHEMA = "CREATE TABLE thought (id {key}, text text NOT NULL CHECK (text <> ''))"


class Storage:
    """The thoughts in a database; every call is a transaction of its own."""

    def list(self, search=""):
        return self._rows(f"SELECT id, text FROM thought WHERE {self._contains} > 0 ORDER BY id", search)

    def get(self, number):
        return self._first("SELECT id, text FROM thought WHERE id = ?", number)

    def create(self, text):
        return self._first("INSERT INTO thought (text) VALUES (?) RETURNING id, text", text)

    def change(self, number, text):
        return self._first("UPDATE thought SET text = ? WHERE id = ? RETURNING id, text", text, number)

    def delete(self, number):
        return self._first("DELETE FROM thought WHERE id = ? RETURNING id, text", number)

    def _first(self, statement, *values):
        return next(iter(self._rows(statement, *values)), None)

    def _rows(self, statement, *values):
        with self._connection() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement.replace("?", self._placeholder), values)
            return [{"id": number, "text": text} for number, text in cursor.fetchall()]


class SQLite(Storage):
    _placeholder, _contains = "?", "instr(text, ?)"

    def __init__(self, path):
        self._path = path

    @contextmanager
    def _connection(self):
        with closing(sqlite3.connect(self._path)) as connection, connection:
            yield connection

    def reset(self):
        with self._connection() as connection:
            connection.execute("DROP TABLE IF EXISTS thought")
            connection.execute(SCHEMA.format(key="integer PRIMARY KEY AUTOINCREMENT"))


class PostgreSQL(Storage):
    _placeholder, _contains = "%s", "strpos(text, ?)"

    def __init__(self, address):
        self._address = address

    @contextmanager
    def _connection(self):
        import psycopg2

        with closing(psycopg2.connect(self._address, connect_timeout=5)) as connection, connection:
            yield connection

    def reset(self):
        """Makes an empty table in the schema that the address names."""
        with self._connection() as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SHOW search_path")
            (schema,) = cursor.fetchone()
            cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
            cursor.execute(SCHEMA.format(key="integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY"))


def opened(address):
    """The storage at `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`."""
    parts = urlsplit(address)
    return SQLite(parts.path) if parts.scheme == "sqlite" else PostgreSQL(address)
