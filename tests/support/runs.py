"""Small runs as AI-Scientist v1 and v2 and AI-Researcher leave them, written from scratch."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

IDEA = {"Name": "an_idea", "Title": "An Idea", "Experiment": "Try it.", "Interestingness": 5, "novel": None}
OTHER = {"Name": "another", "Title": "Another", "Experiment": "Try that."}
REVIEW = {"Summary": "Good.", "Overall": 10, "Decision": "Accept"}
FINAL = {
    "rings": {
        "means": {"loss_mean": 0.5, "step_99_mean": None},
        "stderrs": {"loss_stderr": 0.1},
        "final_info_dict": {"loss": [0.4, 0.6], "step_99": []},
    }
}


def pdf(*lines: str) -> bytes:
    """A PDF of one page."""
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for number, line in enumerate(lines or ("A manuscript.",)):
        canvas.drawString(72, 720 - 14 * number, line)
    canvas.save()
    return buffer.getvalue()


def write_pdf(path: Path, *lines: str) -> Path:
    """Write such a PDF."""
    path.write_bytes(pdf(*lines))
    return path


def png(width: int = 1, height: int = 1) -> bytes:
    """A grey PNG of that size, at most one row of which is there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def fill(folder: Path, files: dict[str, object]) -> Path:
    """Write files into a new folder: bytes and texts as they are, all else as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def write_v1(folder: Path, **changes: object) -> Path:
    """A run of AI-Scientist v1; `changes` replace files by their path, None drops one."""
    files: dict[str, object] = {
        "prompt.json": {"system": "You are a student.", "task_description": "Rings."},
        "ideas.json": [OTHER, IDEA],
        "seed_ideas.json": [OTHER],
        "notes.txt": "# Title: An Idea\n## Run 0: Baseline\nIt runs.\n\n## Run 1: Rings\nBetter.\n",
        "experiment.py": "open('was_run', 'w').close()\n",
        "plot.py": "",
        "log.txt": "ran",
        "run_0/final_info.json": {"rings": {"means": {"loss": 0.9}}},
        "run_1/final_info.json": FINAL,
        "latex/template.tex": "\\documentclass{article}\\begin{document}Hi\\end{document}",
        "latex/references.bib": "@misc{a}",
        "loss.png": png(),
        "an_idea.pdf": pdf(),
        "review.txt": REVIEW,
    }
    return fill(folder, {name: content for name, content in {**files, **changes}.items() if content is not None})


def node(**metrics: float) -> dict[str, object]:
    """A node of AI-Scientist v2's search, on the data set `rings`."""
    named = [
        {
            "metric_name": name,
            "lower_is_better": True,
            "data": [{"dataset_name": "rings", "final_value": value, "best_value": value}],
        }
        for name, value in metrics.items()
    ]
    return {"metric": {"value": {"metric_names": named}, "maximize": None}, "code": "x = 1\n" * 1000}


def write_v2(folder: Path, **changes: object) -> Path:
    """A run of AI-Scientist v2; `changes` as above."""
    best = {**node(loss=0.2), "exp_results_dir": "experiment_results/experiment_1_proc_1"}
    logs = "logs/0-run"
    files: dict[str, object] = {
        "idea.json": {"Name": "an_idea", "Title": "An Idea", "Short Hypothesis": "Rings.", "Experiments": ["One."]},
        "bfts_config.yaml": "a: 1\n",
        f"{logs}/draft_summary.json": {"Key_numerical_results": [{"result": "0.8", "description": "first loss"}]},
        f"{logs}/baseline_summary.json": {"best node": node(loss=0.4)},
        f"{logs}/research_summary.json": {
            "best node": best,
            "best node with different seeds": [node(loss=0.21), node(loss=0.22)],
        },
        f"{logs}/ablation_summary.json": [{**node(loss=0.3), "ablation_name": "no noise"}],
        f"{logs}/experiment_results/experiment_1_proc_1/experiment_code.py": "print('best')\n",
        f"{logs}/stage_1_initial/journal.json": {
            "nodes": [
                {
                    "id": "b",
                    "step": 0,
                    "is_buggy": True,
                    "exc_type": "KeyError",
                    "ctime": 1748448328.9,
                    "exec_time": 1.5,
                },
                {**node(loss=0.7), "id": "a", "step": 1, "is_buggy": False, "analysis": "It learns."},
            ]
        },
        "token_tracker.json": {"a-model": {"tokens": {"prompt": 100, "completion": 20}, "cost (USD)": 0.5}},
        "token_tracker_interactions.json": {"a-model": [{"prompt": "p", "response": "r", "timestamp": 1}]},
        "figures/Loss Curve.png": png(),
        "latex/template.tex": "\\documentclass{article}",
        "latex/references.bib": "",
        "an_idea_reflection1.pdf": pdf("first"),
        "an_idea_reflection_final.pdf": pdf("final"),
        "review_text.txt": REVIEW,
    }
    return fill(folder, {name: content for name, content in {**files, **changes}.items() if content is not None})
