"""TensorFlow's settings, made once before it is imported, and the record of all that can change a last bit."""

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from ntn6g.core.errors import RunError, ScenarioError

COMPILE_CACHE = "NTN6G_COMPILE_CACHE"
_WHEELS = ("tensorflow", "sionna-no-rt", "numpy", "scipy", "sgp4")
_XLA_FLAGS = "--xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0"
_INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Hold back what native libraries print while TensorFlow starts; show it when the start fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors="replace"))


def start(threads: int | None = None) -> None:
    """Import TensorFlow with TensorFloat-32 off, deterministic operations and memory growth.

    The environment variable NTN6G_COMPILE_CACHE names a folder in which XLA keeps what it compiled, for later
    processes of this machine.

    Parameters
    ----------
    threads : int or None
        Threads of this process; TensorFlow's own choice when None. Takes effect before any other use of TensorFlow.

    Raises
    ------
    ScenarioError
        When the full Sionna distribution is installed beside ``sionna-no-rt``: both own the package ``sionna``, and
        the ray tracer's LLVM was seen to crash XLA's compiler in the same process.
    RunError
        When TensorFlow cannot be imported.
    """
    refuse_full_sionna()
    keep_memory()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "--xla_gpu" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_XLA_FLAGS}".strip()
    if os.environ.get(COMPILE_CACHE):
        _keep_compiled(Path(os.environ[COMPILE_CACHE]))
    with _quiet_start():
        try:
            import tensorflow as tf
        except ImportError as error:
            raise RunError(f"TensorFlow cannot be imported: {error}") from error
        tf.get_logger().setLevel("ERROR")
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.experimental.enable_op_determinism()
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.constant(0.0)  # opens the devices, which prints too


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h in the GNU C library


def keep_memory() -> None:
    """Let the C library keep what steps allocate and free again.

    It returns large blocks to the system, which clears them page by page for the next step: half the time of steps
    that write tens of megabytes. Other C libraries have no such setting.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        _ = mallopt(_M_MMAP_THRESHOLD, 2**31 - 1) or mallopt(_M_MMAP_THRESHOLD, 2**25)  # older ones take no more


def _keep_compiled(folder: Path) -> None:
    """Name XLA's folder: one for each kind of processor and set of versions, whose programs would crash another.

    XLA's own log is silenced with it: on every reading it warns of features that no processor has.

    Raises
    ------
    ScenarioError
        When the folder cannot be made.
    """
    told = json.dumps([_processor(), {name: metadata.version(name) for name in _WHEELS}], sort_keys=True)
    inside = folder.resolve() / hashlib.sha256(told.encode()).hexdigest()[:16]
    try:
        inside.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(f"{folder} cannot be made: {error.strerror}", key=COMPILE_CACHE) from None
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if "--tf_xla_persistent_cache_directory" not in flags:
        os.environ["TF_XLA_FLAGS"] = f"{flags} --tf_xla_persistent_cache_directory={inside}".strip()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def refuse_full_sionna() -> None:
    """One line instead of a crash when the full Sionna distribution is installed as well."""
    try:
        version = metadata.version("sionna")
    except metadata.PackageNotFoundError:
        return
    raise ScenarioError(
        f"the package 'sionna' {version} is installed beside 'sionna-no-rt'; both own the same modules and the ray "
        "tracer in the former crashes XLA: run 'pip uninstall sionna sionna-rt' and reinstall sionna-no-rt"
    )


def versions() -> dict[str, str]:
    """Versions of the wheels whose arithmetic a result passes through, and of Python."""
    found = {name: metadata.version(name) for name in _WHEELS}
    return {"ntn6g": metadata.version("ntn6g"), "python": platform.python_version(), **found}


def describe() -> str:
    """The device in words: the GPUs TensorFlow sees, else the processor."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return ", ".join(names) or _processor()["model name"]


def numerics(batch_rows: dict[str, int]) -> dict[str, Any]:
    """Whatever can change a last bit of a result; a run continues only where all of it is equal."""
    processor = _processor()
    return {
        "wheels": {name: metadata.version(name) for name in _WHEELS},
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "tensor_float_32": False,
        "deterministic_ops": True,
        "device": describe(),
        "instruction_sets": [name for name in _INSTRUCTION_SETS if name in processor["flags"].split()],
        "batch_rows": batch_rows,
    }


def likeness() -> dict[str, Any]:
    """What must be equal on every machine that shares a run."""
    return {"ntn6g": metadata.version("ntn6g"), **numerics({})}


def threads(workers: int) -> dict[str, int]:
    """Workers and processors; recorded, but counts do not depend on them."""
    return {"workers": workers, "processors": len(os.sched_getaffinity(0))}


def _processor() -> dict[str, str]:
    found = {"model name": platform.processor() or platform.machine(), "flags": ""}
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "flags", "Features") and value:
                found["flags" if key.strip() != "model name" else "model name"] = value.strip()
    return found
