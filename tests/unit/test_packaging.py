"""What is shipped: the wheel is whole, the versions are pinned, the licence is there, no address is hidden."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "evaluators", "policies", "dashboard", "migrations")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def pins() -> list[Requirement]:
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip()]


def test_constraints_pin_one_exact_version_each_and_hold_no_address():
    for pin in pins():
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
        assert pin.url is None, pin
        assert "+" not in str(pin.specifier), f"{pin}: a local build is on no public index"
    assert "://" not in (PROJECT / "constraints.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_every_declared_requirement_is_pinned_within_its_bounds(project: dict, python: str, platform: str):
    where = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": platform}
    pinned = {canonicalize_name(p.name): p for p in pins() if p.marker is None or p.marker.evaluate(where)}
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    for requirement in map(Requirement, [*project["dependencies"], *extras]):
        if requirement.name != "greenlight":
            (chosen,) = pinned[canonicalize_name(requirement.name)].specifier
            assert requirement.specifier.contains(chosen.version), requirement


def imported(folder: Path) -> set[str]:
    """Return the top-level packages that the sources of a folder import, wherever they do it."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"__future__", *PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_imported_package_is_a_declared_requirement(project: dict, package: str):
    optional = [line for extra, lines in project["optional-dependencies"].items() if extra != "dev" for line in lines]
    declared = {canonicalize_name(Requirement(line).name) for line in [*project["dependencies"], *optional]}
    providers = packages_distributions()
    for name in imported(PROJECT / package):
        distributions = {canonicalize_name(distribution) for distribution in providers.get(name, [name])}
        assert distributions & declared, f"{package} imports {name}, which pyproject.toml does not declare"


def test_no_package_registry_is_named_anywhere_in_the_set_up():
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert not re.search(r"://|pypi\.|trusted-host", text), name


def test_the_wheel_holds_every_file_of_every_package(wheel: zipfile.ZipFile):
    expected = {
        path.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = set(wheel.namelist())
    assert expected - shipped == set()
    assert {name.split("/")[0] for name in shipped} == {*PACKAGES, f"greenlight-{version('greenlight')}.dist-info"}


def test_the_wheel_carries_licence_version_and_command(wheel: zipfile.ZipFile, project: dict):
    info = f"greenlight-{project['version']}.dist-info"
    metadata = message_from_string(wheel.read(f"{info}/METADATA").decode())
    assert metadata["Version"] == project["version"] == version("greenlight")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert b"Apache License" in wheel.read(f"{info}/licenses/LICENSE")
    assert project["scripts"]["greenlight"].encode() in wheel.read(f"{info}/entry_points.txt")


def test_the_changelog_tells_of_this_version(project: dict):
    assert f"## {project['version']}" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
