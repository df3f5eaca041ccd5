"""Which files a VOID model version is made of, and the proof that they are the registered ones.

Everything here runs before a byte of memory is taken for a model: the files are found, safetensors by content,
of the shapes that the configuration asks for, and equal by digest to what the registry recorded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunFailed

PASS_FILES = {1: "void_pass1.safetensors", 2: "void_pass2.safetensors"}
HEADER_LIMIT = 100 << 20
BLOCK = 16 << 20
REVISION = re.compile(r"hub:(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Part:
    """One component: its configuration and the weight files that fill it."""

    name: str
    config: Mapping[str, Any]
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of its weight files."""
        return sum(path.stat().st_size for path in self.files)


@dataclass(frozen=True)
class Adapter:
    """A LoRA file and how strongly it is added."""

    path: Path
    scale: float


@dataclass(frozen=True)
class Bundle:
    """All files of one model version. `digests` maps each weight and tokenizer file's path to its SHA-256."""

    transformers: Mapping[int, Part]
    vae: Part
    text_encoder: Part
    tokenizer: Path
    adapters: tuple[Adapter, ...]
    digests: Mapping[Path, str]

    @property
    def key(self) -> str:
        """Names the bundle by content: equal keys are equal models."""
        configs = [part.config for part in (*self.transformers.values(), self.vae, self.text_encoder)]
        scales = [adapter.scale for adapter in self.adapters]
        text = json.dumps([sorted(self.digests.values()), configs, scales], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def record(self) -> list[dict[str, object]]:
        """The files by name and digest, for the manifest."""
        return [{"name": path.name, "sha256": digest} for path, digest in sorted(self.digests.items())]


def find(parameters: Mapping[str, object], passes: tuple[int, ...]) -> Bundle:
    """Find the files of a version from the parameters `weights` and `adapters`; digests are not yet taken.

    `weights` is a folder, or a table of paths for `pass1`, `pass2`, `transformer` (its configuration), `vae`,
    `text_encoder` and `tokenizer`. Each may be `hub:owner/name@revision`, a snapshot that is already on this machine.
    Whatever is missing, no safetensors or no JSON is a `RunFailed`.
    """
    places = _places(parameters.get("weights"))
    config = _json(_existing(places["transformer"] / "config.json", "transformer's configuration"))
    transformers = {
        number: Part("transformer", config, (_existing(places[f"pass{number}"], f"weights of pass {number}"),))
        for number in passes
    }
    folders = {name: _folder_part(name, places[name]) for name in ("vae", "text_encoder")}
    adapters = tuple(_adapters(parameters.get("adapters") or []))
    bundle = Bundle(
        transformers, folders["vae"], folders["text_encoder"], _tokenizer(places["tokenizer"]), adapters, {}
    )
    for path in weight_files(bundle):
        header(path)
    return bundle


def weight_files(bundle: Bundle) -> list[Path]:
    """All weight files of a bundle, adapters last."""
    parts = [*bundle.transformers.values(), bundle.vae, bundle.text_encoder]
    return [path for part in parts for path in part.files] + [adapter.path for adapter in bundle.adapters]


class Verifier:
    """Checks digests, and remembers those of files that have not changed since."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int, int, int], str] = {}

    def verified(self, bundle: Bundle, model: Mapping[str, Any]) -> Bundle:
        """The bundle with its digests, each one recorded for the model version or for a layer of its lineage.

        `model` holds `weights`, a list of {name, sha256}, and optionally `lineage`, versions with weights of their own.
        """
        recorded = _recorded(model)
        if not recorded:
            raise RunFailed(
                "the model version records no weights", "register it with its weight files and its base as lineage"
            )
        digests = {}
        for path in weight_files(bundle):
            digests[path] = self._digest(path)
            # Of equal name, equal content: the two passes' files are both on record, and must not change places.
            if digests[path] not in recorded.get(path.name, set().union(*recorded.values())):
                raise RunFailed(
                    f"{path.name} is not the file that the registry recorded for this model version or its base",
                    "use the registered file, or register a new version with this one",
                )
        for path in tokenizer_files(bundle.tokenizer):
            digests[path] = self._digest(path)
        return Bundle(bundle.transformers, bundle.vae, bundle.text_encoder, bundle.tokenizer, bundle.adapters, digests)

    def _digest(self, path: Path) -> str:
        state = path.stat()
        key = (path.resolve(), state.st_ino, state.st_size, state.st_mtime_ns)
        if key not in self._known:
            self._known[key] = sha256_of(path)
        return self._known[key]


def tokenizer_files(folder: Path) -> list[Path]:
    """The files that decide how a prompt becomes tokens; they are kept by digest, but no registry records them."""
    names = ("spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    return [folder / name for name in names if (folder / name).is_file()]


def layers(model: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """The model version and everything under it, each by name, version and licence as far as they were given."""
    for layer in _layers(model):
        yield {name: layer[name] for name in ("name", "version", "licence") if layer.get(name)}


def _layers(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield model
    for parent in model.get("lineage") or ():
        yield from _layers(parent)


def _recorded(model: Mapping[str, Any]) -> dict[str, set[str]]:
    """The digests on record for the version and its layers, by file name."""
    found: dict[str, set[str]] = {}
    for layer in _layers(model):
        for item in layer.get("weights") or ():
            found.setdefault(str(item.get("name")), set()).add(str(item["sha256"]))
    return found


def sha256_of(path: Path) -> str:
    """Digest a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def header(path: Path) -> Shapes:
    """The names and shapes in a safetensors file; anything else, a pickle above all, is a `RunFailed`."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(8)
        length = int.from_bytes(head, "little")
        if len(head) < 8 or not 2 <= length <= min(HEADER_LIMIT, size - 8):
            raise _no_safetensors(path)
        text = stream.read(length)
    try:
        entries = json.loads(text)
        shapes = {name: tuple(entry["shape"]) for name, entry in entries.items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise _no_safetensors(path) from error
    if end != size - 8 - length:
        raise RunFailed(f"{path.name} is cut short or has trailing bytes", "copy the weight file again")
    return shapes


def _no_safetensors(path: Path) -> RunFailed:
    return RunFailed(
        f"{path.name} is not a safetensors file, and files that can run code when loaded are refused",
        "convert the weights to safetensors",
    )


def _places(value: object) -> dict[str, Path]:
    names = ("transformer", "vae", "text_encoder", "tokenizer")
    if isinstance(value, str) and value:
        folder = _located(value)
        return {name: folder / name for name in names} | {f"pass{n}": folder / file for n, file in PASS_FILES.items()}
    if isinstance(value, Mapping):
        wanted = {*names, "pass1", "pass2"}
        unknown = set(map(str, value)) - wanted
        if unknown or not set(names) <= set(map(str, value)):
            raise RunFailed(
                f"the parameter 'weights' does not name {', '.join(sorted(unknown ^ set(names) - set(value)))}",
                f"give paths for {', '.join(sorted(wanted))}",
            )
        return dict.fromkeys(("pass1", "pass2"), Path()) | {
            str(name): _located(str(place)) for name, place in value.items()
        }
    raise RunFailed("the job does not say where the weights are", "give the folder as the parameter 'weights'")


def _located(text: str) -> Path:
    """An absolute path; of a hub revision, its snapshot in the local cache, and never a download."""
    if not text.startswith("hub:"):
        path = Path(text).expanduser()
        if not path.is_absolute():
            raise RunFailed(
                f"the path '{text[:80]}' is not absolute", "a job runs in a folder of its own: start at the root"
            )
        return path
    base, _, inside = text.partition("//")
    match = REVISION.fullmatch(base)
    if not match:
        raise RunFailed(
            f"'{text[:80]}' does not name a fixed revision", "write hub:owner/name@ and the full commit, then //path"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(match["repo"], revision=match["revision"], local_files_only=True)
    except (LocalEntryNotFoundError, OSError) as error:
        raise RunFailed(
            f"{match['repo']} at {match['revision'][:12]} is not on this machine",
            "download that revision first; a job fetches nothing",
        ) from error
    return Path(folder) / inside


def _existing(path: Path, what: str) -> Path:
    if not path.is_file():
        raise RunFailed(f"the {what} is missing ({path.name or 'no path given'})", "check the parameter 'weights'")
    return path


def _folder_part(name: str, folder: Path) -> Part:
    config = _json(_existing(folder / "config.json", f"configuration of the {name.replace('_', ' ')}"))
    files = tuple(sorted(folder.glob("*.safetensors")))
    if not files:
        pickles = [path.name for suffix in ("bin", "pt", "pth", "ckpt") for path in sorted(folder.glob(f"*.{suffix}"))]
        if pickles:
            raise _no_safetensors(Path(pickles[0]))
        raise RunFailed(
            f"the {name.replace('_', ' ')} has no weights", f"put its safetensors beside {name}/config.json"
        )
    return Part(name, config, files)


def _tokenizer(folder: Path) -> Path:
    if not any((folder / name).is_file() for name in ("spiece.model", "tokenizer.json")):
        raise RunFailed("the tokenizer is missing (spiece.model or tokenizer.json)", "check the parameter 'weights'")
    return folder


def _adapters(value: object) -> Iterator[Adapter]:
    if not isinstance(value, list):
        raise RunFailed("the parameter 'adapters' is not a list", "give a list of files, or of {file, scale}")
    for item in value:
        entry = {"file": item} if isinstance(item, str) else item
        scale = entry.get("scale", 1.0) if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(scale, int | float) or not entry.get("file"):
            raise RunFailed("an adapter is not declared whole", "give {file, scale}")
        yield Adapter(_existing(_located(str(entry["file"])), "adapter"), float(scale))


def _json(path: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFailed(f"{path.parent.name}/{path.name} is not readable as JSON", "copy it again") from error
    if not isinstance(record, dict):
        raise RunFailed(f"{path.parent.name}/{path.name} holds no configuration", "copy it again")
    return record
