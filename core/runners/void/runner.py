"""`void`: Netflix's VOID removes an object and what it did to the scene.

Inputs
    video, quadmask, prompt   the clip, its mask at the same size and length, and {"bg": the scene afterwards}
    checkpoint                optional: `pass1.safetensors` of an earlier attempt, or the folder that holds it
    noise                     optional: the second pass's noise as a NumPy file, instead of the one made here
Parameters
    weights                   where the model version's files are (see `weights.find`)
    compat                    `upstream` reproduces upstream's choices; without it the choices are ours
    passes, steps, guidance   1 or 2 passes; a number for both, or a list with one each
    memory, vae_tiling, dtype, quantisation, compile, device, adapters
    height, width             the working size (384 x 672)
    negative_prompt, composite
"""

from __future__ import annotations

from pathlib import Path

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunSpecification
from core.runners.void.checkpoint import NAME
from core.runners.void.session import Session


class VoidRunner:
    """Both passes of VOID. Keeps its model version loaded from run to run: a warm worker holds on to one."""

    name = "void"
    version = "1"
    needs = Needs(memory=2 << 30)
    warm = True
    checkpoint = NAME

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session()

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Write the clip without the object as `video`, the first pass's as `pass1` and the final `latents`.

        The weights' digests must be among those of `specification.model`. Whatever cannot be used is a `RunFailed`
        before memory is taken; a GPU that is too full just now is a `TransientFailure`.
        """
        from core.runners.void.options import read
        from core.runners.void.run import Run

        options = read(specification.parameters)
        inputs = {role: _input(specification, role) for role in ("video", "quadmask", "prompt")}
        context.progress(0.01, "checking the weights")
        bundle = self.session.open(specification.parameters, specification.model, options.passes)
        run = Run(self.session, options, bundle, specification, context)
        run.read(inputs)
        run.make()
        return run.manifest(inputs)


def _input(specification: RunSpecification, role: str) -> Path:
    path = specification.inputs.get(role)
    if path is None or not path.is_file():
        raise RunFailed(f"the runner 'void' has no {role}", f"submit an asset with a {role}")
    return path
