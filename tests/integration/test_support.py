"""The tests' own ground: both databases are real, each test's is its own, and the network is closed."""

from __future__ import annotations

import socket

import pytest
import sqlalchemy as sa
from support.isolation import NetworkRefused
from support.requirements import TOOLS, find_tool

from core.database import Database, is_current


def test_each_database_is_the_kind_it_claims_and_has_the_newest_schema(database: Database, database_kind: str):
    assert database.url.get_backend_name() == database_kind
    assert is_current(database)


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_writes_the_next_does_not_see(database: Database, turn: int):
    with database.writing() as session:
        session.execute(sa.text("CREATE TABLE left_behind (turn INTEGER)"))
    with database.reading() as session:
        assert session.execute(sa.text("SELECT count(*) FROM left_behind")).scalar_one() == 0


def test_an_empty_database_has_no_tables(empty_database_url: str):
    database = Database(empty_database_url)
    assert sa.inspect(database.engine).get_table_names() == []
    database.close()


def test_another_machine_cannot_be_reached():
    with socket.socket() as client, pytest.raises(NetworkRefused, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkRefused, match="example"):
        socket.create_connection(("example.org", 80))


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_a_missing_program_skips_and_fails_where_all_is_required(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(TOOLS, "absent", ("no-such-program",))
    monkeypatch.delenv("GREENLIGHT_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="'absent'"):
        find_tool("absent")
    monkeypatch.setenv("GREENLIGHT_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="'absent'"):
        find_tool("absent")
