"""Settings: the environment before the file before the defaults, and an unusable value is told, not guessed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import InputError
from core.settings import Settings


def load(folder: Path, toml: str = "", **environ: str) -> Settings:
    if toml:
        (folder / "greenlight.toml").write_text(toml, encoding="utf-8")
    return Settings.load(environ, folder)


def test_without_anything_the_embedded_default_is_used(tmp_path: Path):
    found = load(tmp_path)
    assert found == Settings()
    assert found.database.startswith("sqlite:////")
    assert found.database.endswith("/.greenlight/greenlight.db")
    assert found.artifacts.endswith("/.greenlight/artifacts")


def test_the_environment_comes_before_the_file_before_the_default(tmp_path: Path):
    toml = 'home = "from-the-file"\nmax_attempts = 7\n'
    found = load(tmp_path, toml, GREENLIGHT_HOME="from-the-environment")
    assert (found.home, found.max_attempts, found.lease_s) == (Path("from-the-environment"), 7, Settings.lease_s)


def test_an_empty_variable_is_no_value(tmp_path: Path):
    assert load(tmp_path, 'home = "kept"', GREENLIGHT_HOME="").home == Path("kept")


def test_every_setting_can_be_given_by_variable_and_keeps_its_type(tmp_path: Path):
    for field in fields(Settings):
        default = getattr(Settings(), field.name)
        found = load(tmp_path, **{f"GREENLIGHT_{field.name.upper()}": str(default)})
        assert getattr(found, field.name) == default
        assert type(getattr(found, field.name)) is type(default)


def test_a_tilde_is_the_home_folder(tmp_path: Path):
    assert load(tmp_path, GREENLIGHT_HOME="~/studio").home == Path.home() / "studio"


def test_a_team_s_addresses_are_used_as_given(tmp_path: Path):
    found = load(tmp_path, GREENLIGHT_DATABASE_URL="postgresql://db/studio", GREENLIGHT_ARTIFACTS_URL="s3://studio")
    assert (found.database, found.artifacts) == ("postgresql://db/studio", "s3://studio")


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("lease = 3", "unknown setting 'lease'"),
        ("home = [", "not readable as TOML"),
        ('max_attempts = "many"', "'max_attempts' cannot be 'many'"),
        ("max_attempts = 0", "'max_attempts' cannot be '0'"),
        ("max_attempts = 2.5", "'max_attempts' cannot be '2.5'"),
        ("max_attempts = true", "'max_attempts' cannot be 'True'"),
        ("lease_s = -1", "'lease_s' cannot be '-1'"),
        ("lease_s = nan", "'lease_s' cannot be 'nan'"),
        ("max_rss = inf", "'max_rss' cannot be 'inf'"),
        ("lease_s = 15\nheartbeat_s = 15", "heartbeat"),
    ],
)
def test_an_unusable_setting_is_told_by_name(tmp_path: Path, toml: str, told: str):
    with pytest.raises(InputError) as error:
        load(tmp_path, toml)
    assert told in str(error.value)


def test_a_file_that_is_not_text_is_told(tmp_path: Path):
    (tmp_path / "greenlight.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not readable as TOML"):
        Settings.load({}, tmp_path)


def test_every_setting_is_used_somewhere():
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parents[2].joinpath("core").rglob("*.py")
        if path.name != "settings.py"
    )
    addresses = {"home", "database_url", "artifacts_url"}
    for field in fields(Settings):
        assert field.name in addresses or f"settings.{field.name}" in source, field.name
