"""Under which conditions an attempt ran: what may explain that a repetition gives another result."""

from __future__ import annotations

import os
import platform as machine
from importlib.metadata import PackageNotFoundError, version

from core.runners.registry import runner

LIBRARIES = {
    "greenlight": "greenlight",
    "numpy": "numpy",
    "opencv": "opencv-python-headless",
    "av": "av",
    "torch": "torch",
    "diffusers": "diffusers",
    "transformers": "transformers",
    "safetensors": "safetensors",
    "torchao": "torchao",
    "langchain": "langchain",
}


def environment(runner_name: str) -> dict[str, object]:
    """Return runner, system, processors, libraries, and GPUs with their driver where there are any."""
    chosen = runner(runner_name)
    return {
        "runner": f"{chosen.name} {chosen.version}",
        "python": machine.python_version(),
        "system": f"{machine.system()} {machine.machine()}",
        "processors": os.cpu_count(),
        **{name: found for name, package in LIBRARIES.items() if (found := _version(package)) is not None},
        **_gpus(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gpus() -> dict[str, object]:
    """Names and driver by NVML; nothing without it or without a GPU."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return {}
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        names = [_text(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
        return {"gpus": names, "driver": _text(pynvml.nvmlSystemGetDriverVersion())} if names else {}
    except pynvml.NVMLError:
        return {}
    finally:
        pynvml.nvmlShutdown()


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
