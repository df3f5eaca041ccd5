"""The store keeps bytes whole or not at all, once, and says what is missing, altered or full."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.requirements import PROJECT

from core.artifacts import ArtifactStore
from core.canonical import sha256
from core.errors import InputError, NotFound, TamperingFound, Unavailable

DATA = b"a clip's bytes" * 1000
KEY = sha256(DATA)


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    """A store in a folder, and one in memory as a stand-in for any other fsspec address."""
    if request.param == "folder":
        yield ArtifactStore(str(tmp_path / "artifacts"))
        return
    from fsspec.implementations.memory import MemoryFileSystem

    yield ArtifactStore(f"memory://{tmp_path.name}")
    MemoryFileSystem.store.clear()


def overwrite(store: ArtifactStore, key: str, data: bytes) -> None:
    """Change stored bytes behind the store's back."""
    if path := store.local_path(key):
        path.chmod(0o644)
        path.write_bytes(data)
    else:
        store._fs.pipe_file(store._path(key), data)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@given(data=st.binary(max_size=300))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_come_back_by_their_digest(store: ArtifactStore, data: bytes):
    stored = store.put_bytes(data)
    assert (stored.sha256, stored.size) == (sha256(data), len(data))
    assert store.read(stored.sha256) == data


def test_a_file_and_its_bytes_are_one_artifact(store: ArtifactStore, tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(DATA)
    assert store.put_file(tmp_path / "clip.mp4") == store.put_bytes(DATA)
    assert store.fetch(KEY, tmp_path / "back.mp4").read_bytes() == DATA
    with store.open(KEY) as stream:
        assert stream.read(6) == b"a clip"


def test_the_same_content_is_kept_once_and_not_written_again(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    store.put_bytes(DATA)
    before = files(tmp_path)[0].stat()
    store.put_bytes(DATA)
    assert len(files(tmp_path)) == 1
    assert (files(tmp_path)[0].stat().st_ino, files(tmp_path)[0].stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_a_stored_file_is_read_only(tmp_path: Path):
    ArtifactStore(str(tmp_path)).put_bytes(DATA)
    assert stat.S_IMODE(files(tmp_path)[0].stat().st_mode) == 0o444


def test_many_who_store_the_same_at_once_leave_one_whole_file(tmp_path: Path):
    store = ArtifactStore(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        assert {stored.sha256 for stored in pool.map(store.put_bytes, [DATA] * 16)} == {KEY}
    assert [path.name for path in files(tmp_path)] == [KEY]
    store.verify(KEY)


def test_one_altered_byte_is_named_on_every_way_out(store: ArtifactStore, tmp_path: Path):
    store.put_bytes(DATA)
    overwrite(store, KEY, b"A" + DATA[1:])
    target = tmp_path / "out.mp4"
    for way in (store.read, store.verify, lambda key: store.fetch(key, target)):
        with pytest.raises(TamperingFound, match=KEY):
            way(KEY)
    assert not target.exists()


def test_what_is_missing_is_named(store: ArtifactStore, tmp_path: Path):
    for way in (store.read, store.verify, lambda key: store.fetch(key, tmp_path / "out.mp4")):
        with pytest.raises(NotFound, match=f"{KEY[:12]} is missing"):
            way(KEY)
    assert not store.has(KEY)
    assert not (tmp_path / "out.mp4").exists()


class GrowingFile(type(Path())):  # type: ignore[misc]
    """A file that is a byte longer at every opening, as one that is still being written."""

    def open(self, mode: str = "r", *rest: Any, **named: Any) -> Any:
        path = Path(str(self))
        path.write_bytes(path.read_bytes() + b"!")
        return path.open(mode, *rest, **named)


def test_a_file_that_changes_while_it_is_stored_is_refused_and_nothing_kept(store: ArtifactStore, tmp_path: Path):
    (tmp_path / "growing.mp4").write_bytes(DATA)
    with pytest.raises(InputError, match=r"growing\.mp4 changed while it was being stored"):
        store.put_file(GrowingFile(tmp_path / "growing.mp4"))
    assert not store.has(sha256(DATA + b"!"))
    assert not store.has(sha256(DATA + b"!!"))
    assert files(tmp_path / "artifacts") == []


class Broken(Exception):
    """The source of the bytes gave up."""


def test_a_source_that_breaks_off_leaves_nothing(store: ArtifactStore, tmp_path: Path):
    def stopped() -> None:
        with store._incoming(KEY) as stream:
            stream.write(DATA[:10])
            raise Broken

    with pytest.raises(Broken):
        stopped()
    assert not store.has(KEY)
    assert files(tmp_path / "artifacts") == []


FILL = """
import resource, signal, sys
from pathlib import Path
from core.artifacts import ArtifactStore
from core.errors import GreenlightError
store = ArtifactStore(sys.argv[1])
store.put_bytes(b"small enough")
if sys.argv[3] != "0":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    store.put_file(Path(sys.argv[2]))
except GreenlightError as error:
    print(type(error).__name__, error)
"""


def fill(folder: Path, big: Path, limit: int = 0) -> str:
    command = [sys.executable, "-c", FILL, str(folder), str(big), str(limit)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = (
        mount
        and not subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    )
    if not made:
        pytest.skip("a disk of one megabyte needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(small_disk: Path, tmp_path: Path):
    big = tmp_path / "big.mp4"
    big.write_bytes(bytes(2 << 20))
    told = fill(small_disk / "artifacts", big)
    assert told == "Unavailable the artifact store's disk is full; free space and run the command again."
    assert [path.read_bytes() for path in files(small_disk)] == [b"small enough"]


def test_a_file_that_the_system_does_not_allow_leaves_nothing_half_written(tmp_path: Path):
    big = tmp_path / "big.mp4"
    big.write_bytes(bytes(1 << 20))
    told = fill(tmp_path / "artifacts", big, 1 << 16)
    assert told.startswith("Unavailable the artifact store refused a file")
    assert [path.read_bytes() for path in files(tmp_path / "artifacts")] == [b"small enough"]


def test_an_address_of_an_unknown_kind_is_told():
    with pytest.raises(Unavailable, match="GREENLIGHT_ARTIFACTS_URL"):
        ArtifactStore("unknown://bucket")


def test_a_store_in_the_place_of_a_file_is_told(tmp_path: Path):
    (tmp_path / "artifacts").write_text("in the way", encoding="utf-8")
    store = ArtifactStore(str(tmp_path / "artifacts"))
    for way in (lambda: store.put_bytes(DATA), lambda: store.read(KEY)):
        with pytest.raises(Unavailable, match="artifact store"):
            way()


def test_an_unreadable_file_is_told(tmp_path: Path):
    store = ArtifactStore(str(tmp_path / "artifacts"))
    with pytest.raises(InputError, match="cannot be read"):
        store.put_file(tmp_path / "missing.mp4")
