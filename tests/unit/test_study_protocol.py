"""The protocol: what is refused and where, what its digest stands for, and a whole study from it."""

from __future__ import annotations

import csv
import io
import json
import re
import runpy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from core.errors import InputError, RunFailed
from core.runners.base import Cancelled, Manifest, RunContext, RunSpecification
from core.runners.registry import runner
from core.runners.scientist.protocol import schema
from core.runners.scientist.protocol.schema import parse_protocol, read_protocol
from core.runners.scientist.writing import unresolved

EXAMPLES = Path(schema.__file__).parent / "examples"


def example(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))


def small(name: str = "breast-cancer") -> dict:
    """An example that runs in a second: one linear model, few folds."""
    raw = example(name)
    raw["models"] = [raw["models"][0] | {"grid": {"strength": [0.1, 1.0]}}]
    raw["validation"] = {"outer_folds": 3, "inner_folds": 2, "repeats": 2, "seed": 3}
    raw["statistics"]["replicates"] = 200
    return raw


def parsed(raw: dict) -> schema.ReadProtocol:
    return parse_protocol(yaml.safe_dump(raw, sort_keys=False).encode())


def carried_out(raw: dict, folder: Path, data: str | None = None) -> tuple[Manifest, dict[str, Path]]:
    inputs = {"protocol": folder / "in.yaml"}
    inputs["protocol"].write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    if data is not None:
        inputs["data"] = folder / "in.csv"
        inputs["data"].write_text(data, encoding="utf-8")
    (folder / "out").mkdir()
    context = RunContext(folder / "out", lambda _done, _what: None)
    manifest = runner("protocol").run(RunSpecification("protocol", inputs), context)
    return manifest, {output.role: output.path for output in manifest.outputs}


def from_file() -> dict:
    """A protocol on a CSV file with several rows per patient, a category, gaps and rules."""
    raw = small()
    raw["datasets"] = [
        raw["datasets"][0]
        | {
            "name": "made-up",
            "source": "file",
            "split_by": {"column": "who"},
            "columns": [
                {"name": "who", "kind": "identifier"},
                {"name": "age", "kind": "numeric", "unit": "years"},
                {"name": "dose", "kind": "numeric"},
                {"name": "arm", "kind": "categorical", "levels": ["a", "b", "c"]},
                {"name": "died", "kind": "categorical", "levels": ["0", "1"]},
            ],
        }
    ]
    raw["outcome"] |= {"column": "died", "event": "1"}
    raw["predictors"] = ["age", "dose", "arm"]
    raw["eligibility"] = [{"name": "adults", "where": {"column": "age", "at_least": 18}}]
    raw["subgroups"] = [{"name": "arm b", "where": {"column": "arm", "is": "b"}}]
    raw["stopping"] = {"fewest_patients": 10, "fewest_events": 5}
    return raw


def made_up(rows: int = 160) -> str:
    import numpy as np

    random = np.random.default_rng(5)
    lines = ["who,age,dose,arm,died,comment"]
    for row in range(rows):
        age, dose, arm = random.normal(50, 20), random.normal(), random.choice(["a", "b", "c"])
        died = int(random.random() < 1 / (1 + np.exp(-dose - (arm == "b"))))
        shown = "" if row % 17 == 0 else f"{dose:.6f}"
        lines.append(f"p{row // 2},{age:.3f},{shown},{arm},{'' if row == 4 else died},x")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["breast-cancer", "diabetes"])
def test_the_examples_are_valid_and_name_the_columns_of_their_data(name: str) -> None:
    from core.runners.scientist.protocol.cohort import select
    from core.runners.scientist.protocol.data import load

    protocol = read_protocol(EXAMPLES / f"{name}.yaml").protocol
    cohort = select(protocol, load(protocol.card, None))
    assert cohort.n == {"breast-cancer": 569, "diabetes": 442}[name]


def test_the_digest_follows_the_content_and_not_the_layout() -> None:
    raw = example("diabetes")
    written = (EXAMPLES / "diabetes.yaml").read_bytes()
    digest = parse_protocol(written).sha256
    assert parsed(raw).sha256 == parse_protocol(b"# a remark\n" + written).sha256 == digest
    assert parsed(dict(reversed(raw.items()))).sha256 == digest
    assert parsed(raw | {"question": raw["question"] + "!"}).sha256 != digest


def test_a_slip_is_named_with_its_field_and_line() -> None:
    text = (EXAMPLES / "diabetes.yaml").read_text(encoding="utf-8").replace("    modality: ehr", "    modality: tarot")
    line = 1 + text.splitlines().index("    modality: tarot")
    with pytest.raises(InputError, match=rf"line {line}: datasets\.0\.modality"):
        parse_protocol(text.encode())
    with pytest.raises(InputError, match=r"surprise.*Extra inputs"):
        parsed(example("diabetes") | {"surprise": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": {"column": "progression", "kind": "binary", "title": "x", "definition": "x"}},
        {"predictors": ["age", "age"]},
        {"predictors": ["age", "progression"]},
        {"predictors": []},
        {"models": [{"name": "m", "title": "m", "kind": "logistic_regression"}]},
        {"models": [{"name": "m", "title": "m", "kind": "ridge", "grid": {"trees": [5]}}]},
        {"validation": {"outer_folds": 1}},
        {"validation": {"outer_folds": 5.5}},
        {"validation": {"seed": True}},
        {"validation": {"outer_folds": 20, "inner_folds": 10, "repeats": 20}},
        {"statistics": {"primary": "roc_auc"}},
        {"statistics": {"primary": "rmse", "threshold": 0.5}},
        {"statistics": {"primary": "rmse", "replicates": 10**9}},
        {"subgroups": [{"name": "x", "where": {"column": "age", "at_least": 1, "is": "a"}}]},
        {"subgroups": [{"name": "x", "where": {"column": "age"}}]},
        {"eligibility": [{"name": "x", "where": "__import__('os')"}]},
        {"question": "x" * 5000},
        {"title": ["a"]},
    ],
    ids=str,
)
def test_a_protocol_that_makes_no_sense_is_refused(change: dict) -> None:
    with pytest.raises(InputError):
        parsed(example("diabetes") | change)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1]\nb: *a",
        "a: 1\na: 2",
        "a: !!python/object/apply:os.system ['true']",
        "a: !local x",
        "<<: {a: 1}",
        "[" * 60 + "]" * 60,
        "- 1",
        "",
        "a: [\n",
        "a: \x00",
        "x: " + "y" * (300 << 10),
        "a: [" + "1," * 30_000 + "]",
        "? [a]\n: b",
    ],
    ids=lambda text: text[:20],
)
def test_hostile_yaml_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_protocol(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_bytes_are_read_or_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError):
        parse_protocol(data)


@pytest.mark.parametrize("name", ["breast-cancer", "diabetes"])
def test_a_study_is_carried_out_and_every_number_leads_to_its_source(name: str, tmp_path: Path) -> None:
    manifest, paths = carried_out(small(name), tmp_path)
    record = json.loads(paths["provenance"].read_text(encoding="utf-8"))
    outputs = {
        "results": json.loads(paths["results"].read_text(encoding="utf-8")),
        "protocol": yaml.safe_load(paths["protocol"].read_text(encoding="utf-8")),
    }
    assert unresolved(record, outputs) == []
    assert record["untraced"] == []
    pdf = "".join(page.extract_text() for page in PdfReader(paths["manuscript"]).pages)
    for text in (paths["manuscript_md"].read_text("utf-8"), paths["manuscript_tex"].read_text("utf-8"), pdf):
        assert {one["text"] for one in record["numbers"]} <= set(re.findall(r"-?\d+(?:\.\d+)?", text))
    study = manifest.facts["study"]
    assert study["numbers"] == {"total": len(record["numbers"]), "traced": len(record["numbers"])}
    assert all(value is not False for value in study["success"].values())
    assert {one["status"] for one in study["leakage"]} == {"pass"}
    assert study["protocol_sha256"] == outputs["results"]["protocol"]["sha256"]
    assert all(path.read_bytes() for path in paths.values())


def test_the_same_study_gives_the_same_bytes_and_its_program_agrees(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    _, first = carried_out(small(), tmp_path / "one")
    _, second = carried_out(small(), tmp_path / "two")
    for role in sorted(set(first) - {"log"}):
        assert first[role].read_bytes() == second[role].read_bytes(), role
    program = first["code"]
    assert runpy.run_path(str(program))["main"]() == 0
    changed = json.loads(first["results"].read_text("utf-8"))
    changed["flow"]["analysed"] += 1
    first["results"].write_text(json.dumps(changed), encoding="utf-8")
    assert runpy.run_path(str(program))["main"]() == 1


def test_a_file_with_rules_gaps_and_several_rows_per_patient(tmp_path: Path) -> None:
    data = made_up()
    manifest, paths = carried_out(from_file(), tmp_path, data)
    results = json.loads(paths["results"].read_text("utf-8"))
    rows = list(csv.DictReader(io.StringIO(data)))
    grown = [row for row in rows if float(row["age"]) >= 18]
    kept = [row for row in grown if row["died"]]
    assert results["flow"]["assessed"] == len(rows)
    assert [step["rows"] for step in results["flow"]["excluded"]] == [len(rows) - len(grown), len(grown) - len(kept)]
    assert results["flow"]["analysed"] == len(kept)
    assert results["flow"]["patients"] == len({row["who"] for row in kept})
    assert results["missing"]["values"] == sum(not row["dose"] for row in kept)
    assert results["subgroups"][0]["rows"] == sum(row["arm"] == "b" for row in kept)
    assert results["outcome"]["events"] == sum(row["died"] == "1" for row in kept)
    point = results["models"]["logistic"]["operating_point"]
    assert point["sensitivity"]["method"].startswith("percentile bootstrap")
    assert "these columns of the file were not used: comment" in [
        one["what"] for one in manifest.facts["study"]["deviations"]
    ]
    predicted = list(csv.DictReader(io.StringIO(paths["predictions"].read_text("utf-8"))))
    folds: dict[tuple[str, str], set[str]] = {}
    for row in predicted:
        folds.setdefault((row["repetition"], row["patient"]), set()).add(row["fold"])
    assert {len(found) for found in folds.values()} == {1}
    assert len(predicted) == 2 * len(kept)


def test_the_stopping_rule_ends_a_study_with_a_manuscript_that_says_so(tmp_path: Path) -> None:
    raw = small() | {"stopping": {"fewest_patients": 1000}}
    manifest, paths = carried_out(raw, tmp_path)
    assert "predictions" not in paths
    assert manifest.facts["study"]["success"]["quantitative_results"] is False
    text = paths["manuscript_md"].read_text("utf-8")
    assert "569 patients are eligible, fewer than the 1000 that the protocol demands" in text
    assert "ROC AUC of" not in text


def test_too_few_events_for_the_folds_is_a_recorded_deviation(tmp_path: Path) -> None:
    raw = from_file()
    raw["validation"] = {"outer_folds": 10, "inner_folds": 2, "seed": 1}
    lines = made_up().splitlines()
    few = [lines[0]] + [line for k, line in enumerate(lines[1:]) if line.split(",")[4] == "0" or k < 22]
    manifest, _ = carried_out(raw, tmp_path, "\n".join(few) + "\n")
    assert "outer folds instead of 10" in json.dumps(manifest.facts["study"]["deviations"])


@pytest.mark.parametrize(
    ("change", "data"),
    [
        ({}, None),
        ({}, "who,age\n"),
        ({}, "who,age,dose,arm,died\np1,40,1e999,a,0\n"),
        ({}, "who,age,dose,arm,died\np1,forty,1,a,0\n"),
        ({}, "who,age,dose,arm,died\np1,40,1,z,0\n"),
        ({}, "who,age,dose,arm,died\np1,40,1,a\n"),
        ({}, "who,age,dose,arm,died\n,40,1,a,0\n"),
        ({}, "who,age,dose,arm,died,died\np1,40,1,a,0,0\n"),
        ({}, "who,age,dose,arm,died\np1,4,1,a,0\n"),
        ({"predictors": ["who"]}, "who,age,dose,arm,died\np1,40,1,a,0\n"),
        ({"predictors": ["height"]}, "who,age,dose,arm,died\np1,40,1,a,0\n"),
        (
            {"subgroups": [{"name": "x", "where": {"column": "arm", "above": 3}}]},
            "who,age,dose,arm,died\np1,40,1,a,0\n",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused_with_a_sentence(change: dict, data: str | None, tmp_path: Path) -> None:
    with pytest.raises(RunFailed) as refused:
        carried_out(from_file() | change, tmp_path, data)
    assert refused.value.next_step


def test_a_run_can_be_cancelled_between_fits(tmp_path: Path) -> None:
    seen = []

    def progress(done: float, what: str) -> None:
        seen.append((done, what))
        if "fold 2" in what:
            raise Cancelled

    path = tmp_path / "protocol.yaml"
    path.write_text(yaml.safe_dump(small()), encoding="utf-8")
    with pytest.raises(Cancelled):
        runner("protocol").run(RunSpecification("protocol", {"protocol": path}), RunContext(tmp_path, progress))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not (tmp_path / "results.json").exists()


def test_a_missing_protocol_and_an_unknown_mode_are_refused(tmp_path: Path) -> None:
    context = RunContext(tmp_path, lambda _done, _what: None)
    with pytest.raises(RunFailed, match="no protocol"):
        runner("protocol").run(RunSpecification("protocol", {}), context)
    inputs = {"protocol": EXAMPLES / "diabetes.yaml"}
    with pytest.raises(RunFailed, match="no mode"):
        runner("protocol").run(RunSpecification("protocol", inputs, {"mode": "fast"}), context)


def test_the_page_on_protocols_names_every_field_and_choice() -> None:
    import typing

    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    wanted = set()
    for part in vars(schema).values():
        if isinstance(part, type) and issubclass(part, schema.Strict):
            wanted |= {field.alias or name for name, field in part.model_fields.items()}
    for choice in (schema.Mode, schema.Modality, schema.BinaryModel, schema.ContinuousModel):
        wanted |= set(typing.get_args(choice))
    assert {name for name in wanted if f"`{name}`" not in page} == set()
