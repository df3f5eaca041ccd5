"""An example dossier for tests: neutral names, a drawn scene, every section filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from core.reports import document as d
from core.reports import study as st
from core.reports.figures import frame_row

RECORD = "3f9a1c0de5b7428896a1f0c2d4e6b8079a1b2c3d4e5f60718293a4b5c6d7e8f9"
AT = datetime(2026, 11, 3, 14, 22, 5, tzinfo=UTC)
SHA = "0123456789abcdef" * 4


def scene(number: int, ball: bool = True, width: int = 480, height: int = 270) -> np.ndarray:
    """A wooden floor, a wall, a rolling ball with its shadow."""
    rows, columns = np.indices((height, width))
    wall = np.stack([200 - rows // 4, 205 - rows // 4, 214 - rows // 5], axis=-1)
    floor = np.stack([150 + 12 * ((columns // 40) % 2), 116 + 9 * ((columns // 40) % 2), 84 + 0 * rows], axis=-1)
    picture = np.where((rows > height * 0.62)[..., None], floor, wall)
    if ball:
        x, y, radius = 90 + number * 12, int(height * 0.58), 34
        shadow = ((columns - x - 14) / 46) ** 2 + ((rows - y - 34) / 9) ** 2 < 1
        picture = np.where(shadow[..., None], picture * 0.55, picture)
        inside = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
        shade = 1 - 0.5 * ((columns - x + 12) ** 2 + (rows - y + 12) ** 2) / (2 * radius) ** 2
        picture = np.where(inside[..., None], np.stack([48 * shade, 120 * shade, 150 * shade], -1), picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def plate(number: int) -> np.ndarray:
    """What a remover left: the empty scene, with a trace of the shadow."""
    clean, full = scene(number, ball=False), scene(number)
    trace = quadmask(number) == 127
    mixed = np.where(trace[..., None], clean * 0.8 + full * 0.2, clean)
    ripple = 3 * np.sin(np.indices(trace.shape)[1] / 30)[..., None]
    return np.clip(mixed + ripple, 0, 255).astype(np.uint8)


def quadmask(number: int, width: int = 480, height: int = 270) -> np.ndarray:
    """The ball removed, its shadow affected, both where they meet."""
    rows, columns = np.indices((height, width))
    x, y = 90 + number * 12, int(height * 0.58)
    ball = (columns - x) ** 2 + (rows - y) ** 2 < 36**2
    shadow = ((columns - x - 14) / 48) ** 2 + ((rows - y - 34) / 11) ** 2 < 1
    mask = np.full((height, width), 255, np.uint8)
    mask[shadow] = 127
    mask[ball] = 0
    mask[ball & shadow] = 63
    return mask


def _measurements() -> tuple[d.MeasurementRow, ...]:
    frames = tuple(range(48))
    psnr = tuple(None if 20 <= n < 23 else float(41 + 3 * np.sin(n / 5) - 0.05 * n) for n in frames)
    warp = tuple(float(1.2 + 0.5 * np.cos(n / 4) + (1.4 if n == 31 else 0)) for n in frames)
    return (
        d.MeasurementRow(
            "preservation_psnr",
            "Kept picture unchanged",
            "dB",
            "higher_is_better",
            "How closely the parts that should stay the same did stay the same.",
            40.62,
            None,
            39.8,
            41.4,
            "95 % block bootstrap",
            35.0,
            True,
            45,
            "frames",
            "preservation",
            "1",
            "Valid-pixel PSNR",
            d.Curve(frames, psnr, (47, 46, 24)),
        ),
        d.MeasurementRow(
            "warp_error",
            "Steadiness over time",
            "×10⁻²",
            "lower_is_better",
            "How much the picture flickers once the motion of the scene is taken out.",
            2.61,
            None,
            2.2,
            3.1,
            "95 % block bootstrap",
            2.0,
            False,
            47,
            "frame pairs",
            "temporal",
            "1",
            "Warp error",
            d.Curve(frames, warp, (31, 0, 47)),
        ),
        d.MeasurementRow(
            "motion_ratio",
            "Motion kept",
            "1",
            "target_is_best",
            "Whether things move as much as they did before; 1 is the same amount.",
            0.97,
            None,
            None,
            None,
            None,
            None,
            None,
            47,
            "frame pairs",
            "temporal",
            "1",
        ),
        d.MeasurementRow(
            "removal_residue",
            "What is left of the removed object",
            "1",
            "lower_is_better",
            "How much of the removed object can still be seen, from 0 (nothing) to 1 (all of it).",
            None,
            "the removed area fills the frame in every frame, so there is no background to compare with",
            threshold=0.1,
        ),
    )


def _packs() -> tuple[d.PackVerdicts, ...]:
    def verdict(
        number: str,
        title: str,
        status: d.Status,
        sentence: str,
        next_step: str | None = None,
        blocks: bool = False,
        cite: str = "2023 A.2",
        severity: str = "block",
    ) -> d.VerdictRow:
        citation = d.Citation("Television and theatrical agreement", cite, "verified", "2026-11-01")
        return d.VerdictRow(number, title, status, sentence, next_step, severity, blocks, (citation,))

    union = (
        verdict(
            "UN-01",
            "Everybody in the picture is classified",
            d.Status.PASS,
            "Two people are visible and both are classified.",
        ),
        verdict(
            "UN-12",
            "A digital alteration is consented to",
            d.Status.FAIL,
            "The consent of Performer A expired on 2026-10-31, four days before the picture was altered.",
            "Obtain a new consent from Performer A that covers REMOVAL in this project.",
            True,
            "2023 digital alteration",
        ),
        verdict(
            "UN-13",
            "Removal does not touch other performers",
            d.Status.INDETERMINATE,
            "Nobody has recorded whether the affected area touches Performer B.",
            "Record a determination for Performer B.",
            True,
            "mask overlap",
        ),
        verdict(
            "UN-07",
            "Deceased performers are represented",
            d.Status.NOT_APPLICABLE,
            "Nobody in the picture is recorded as deceased.",
        ),
    )
    records = (
        verdict(
            "P11-50",
            "Signatures show name, time and meaning",
            d.Status.PASS,
            "Both signatures show their name, time and meaning.",
            cite="21 CFR 11.50",
        ),
        verdict(
            "P11-k",
            "Pack revisions are kept in time order",
            d.Status.WAIVED,
            "The release manager waived this until 2026-12-31.",
            None,
            cite="21 CFR 11.10(k)",
            severity="major",
        ),
        verdict(
            "P11-h",
            "Devices and agents are identified",
            d.Status.ERROR,
            "The control could not be judged: the agent list is not readable.",
            "Correct the agent list and judge again.",
            True,
            "21 CFR 11.10(h)",
        ),
    )
    return (
        d.PackVerdicts(
            "union-tv-2026", "Television and theatrical, 2026 terms", "1.2.0", "draft, needs counsel", union
        ),
        d.PackVerdicts("part-11", "Electronic records and signatures", "1.0.0", "draft, needs counsel", records),
    )


def _signatures() -> tuple[d.SignatureRow, ...]:
    return (
        d.SignatureRow(
            "Reviewer One",
            "legal lead",
            "review",
            "declined",
            AT - timedelta(hours=2),
            RECORD,
            AT - timedelta(hours=2, seconds=9),
            "sig_01",
            "The consent has run out.",
        ),
        d.SignatureRow(
            "Zoë Ångström-Núñez 山田",
            "engineer",
            "responsibility",
            "signed",
            AT - timedelta(hours=1),
            RECORD,
            AT - timedelta(hours=1, seconds=7),
            "sig_02",
        ),
    )


def _rows() -> tuple[d.FrameRow, ...]:
    worst = {4: "Steadiness over time", 20: "Kept picture unchanged"}
    return tuple(
        frame_row(n, scene(n), quadmask(n), plate(n), worst_for=worst.get(n, ""), seconds=n / 24)
        for n in (4, 20, 0, 12, 24)
    )


@cache
def example() -> d.Dossier:
    """A refused release with every kind of section."""
    return d.Dossier(
        id="rel_01jexample",
        title="Remove the ball from the hallway shot",
        headline="Not released: one consent has expired, and two questions are open.",
        outcome=d.Outcome.REFUSED,
        state="refused at release",
        gate="release",
        purpose="release",
        made_at=AT,
        record_sha256=RECORD,
        project=d.Project("prj_01", "Example production", "production", ("union-tv-2026",), ("US-CA", "EU")),
        model=d.Model(
            "mdl_01",
            "clean plate",
            "1.0.0",
            SHA,
            "Apache-2.0",
            True,
            "builtin",
            "none",
            (
                d.Ancestor("Example base model", "5B", SHA[::-1], "Apache-2.0"),
                d.Ancestor("Example adapter", None, None, None),
            ),
        ),
        asset=d.Asset(
            "ast_01",
            "hallway",
            "clip",
            SHA,
            48,
            480,
            270,
            24.0,
            "An empty hallway",
            "3 % of the pixels are removed, 2 % affected; every value is one of the four that are allowed.",
        ),
        job=d.Job(
            "job_01",
            "plate",
            "1",
            "in_house",
            "succeeded",
            (
                d.Attempt(
                    1, "lost", "worker-a", AT - timedelta(hours=5), AT - timedelta(hours=4, minutes=58), "contact lost"
                ),
                d.Attempt(
                    2, "succeeded", "worker-b", AT - timedelta(hours=4, minutes=50), AT - timedelta(hours=4, minutes=47)
                ),
            ),
            (("python", "3.11"), ("device", "cpu"), ("seed", "0")),
            SHA,
        ),
        summary="The picture itself is close to its limits: one of three judged measures lies outside. "
        "What keeps it closed is a consent that ran out before the work was done.",
        outstanding=(
            d.Outstanding("The release manager has not signed.", "Ask the release manager to sign or decline."),
        ),
        frames=_rows(),
        measurements=_measurements(),
        packs=_packs(),
        persons=(
            d.Person(
                "sub_01",
                "Performer A",
                "removed",
                "frames 0 to 47",
                (
                    d.Coverage(
                        "con_01",
                        "digital alteration rider",
                        "Performer A",
                        "self",
                        "REMOVAL in this project, worldwide",
                        "expired",
                        AT - timedelta(days=300),
                        "2026-10-31",
                        SHA,
                    ),
                ),
            ),
            d.Person("sub_02", "Performer B", "affected", "frames 30 to 47", (), "No determination is on record."),
        ),
        reviews=(
            d.Review(
                "Reviewer One",
                "person",
                "Removal, look and continuity",
                "Clean, apart from one jump.",
                AT - timedelta(hours=3),
                (d.Score("No trace is left", "4 of 5"), d.Score("Light and shadow", "3 of 5", "A jump at frame 31.")),
                SHA,
            ),
        ),
        signatures=_signatures(),
        audit=d.AuditProof(
            128,
            SHA,
            121,
            SHA[::-1],
            (SHA, SHA[::-1], RECORD),
            "greenlight.example/log\n128\nASNFZ4mrze8BI0VniavN7wEjRWeJq83v\n\n— greenlight.example/log AAAAAA==",
            (
                "Run `greenlight audit verify` on the database.",
                "Compare the root hash above with a checkpoint that was kept elsewhere.",
            ),
            True,
        ),
        evidence=(
            d.Evidence("facts.json", "the facts that the policies judged", SHA, 4821),
            d.Evidence("output.mp4", "what the job made", SHA[::-1], 1 << 20),
        ),
        notes=("The packs are drafts until counsel has signed them.",),
    )


def drawn(across: int, down: int, grey: int) -> bytes:
    """A plain picture."""
    buffer = BytesIO()
    Image.new("L", (across, down), grey).save(buffer, "PNG")
    return buffer.getvalue()


def _study() -> st.Study:
    pages = tuple(
        d.Picture(drawn(210, 297, 200 + 9 * n), f"Page {n}", f"Page {n} of the manuscript, reduced")
        for n in range(1, 6)
    )
    return st.Study(
        backend="graph",
        mode="innovation",
        framework=None,
        title="Progression from two measurements at baseline",
        question="Do two baseline measurements predict progression?",
        context_of_use="Retrospective methods evaluation; no care rests on it.",
        protocol_sha256=SHA,
        approval=st.Approval("Reviewer Two", "clinical lead", AT - timedelta(days=2), "Question and data read.", True),
        cards=(
            st.Card(
                "cohort",
                "Example cohort",
                "ehr",
                "CC BY 4.0",
                "the licence file",
                "safe_harbor",
                None,
                "patient_id",
                412,
                398,
                ("ethnicity",),
            ),
        ),
        flow=("420 rows were assessed.", "8 were left out: outcome not recorded.", "412 rows were analysed."),
        results=(
            st.ResultGroup(
                "Primary measure: ROC AUC",
                (
                    st.Result("Logistic regression", "ROC AUC", 0.8712, "/m/auc", 0.84, 0.9, "95% bootstrap", 412),
                    st.Result("Random forest", "ROC AUC", None, "/f/auc", reason="it did not converge"),
                ),
                3,
            ),
        ),
        checks=(
            st.Check("patient overlap", "pass", "No patient is on both sides of a split."),
            st.Check("duplicates", "fail", "Two rows are equal across a split."),
            st.Check("time", "not_checked", "The data hold no dates."),
        ),
        deviations=(st.Deviation("one model less was fitted", "it did not converge"),),
        success=(("no_error", True), ("loss_falls", None)),
        ethics=st.Ethics("pass", "language model example-model", ("privacy: no identifiers",)),
        determinations=(
            st.Determination("leakage explained", "The duplicates are twins.", "Reviewer Two", "clinical lead", AT),
        ),
        decisions=(
            st.Decision("execution", "approve", "Reviewer Two", "clinical lead", AT - timedelta(days=1)),
            st.Decision("manuscript", None, None, None, None),
        ),
        other_runs=2,
        numbers=41,
        traced=40,
        untraced=(st.Untraced("17", "Discussion, paragraph 2"),),
        asked=(st.Asked("engineer", "example-model", 7, 9120, 2210, None, 61.5),),
        cost=st.Cost(9120, 2210, None, 301.25),
        environment=(("Python", "3.11.7"), ("numpy", "2.0.0")),
        missing=("predictions: not written",),
        figures=(d.Picture(drawn(320, 200, 120), "Flow of participants", "Flow of participants: who was left out"),),
        pages=pages,
        page_count=9,
    )


@cache
def study_example() -> d.Dossier:
    """A refused study with every kind of section that a study has."""
    asset = d.Asset("ast_02", "progression", "study", SHA)
    return replace(example(), title="progression: innovation", asset=asset, frames=(), persons=None, study=_study())
