"""Range-Doppler maps with detection: 612 x 56 elements, complex64, against SciPy doing the same work.

A map is what leaves a channel estimate as a list of detected cells: two-dimensional transform, squared magnitude,
cell-averaging CFAR over delay (12 training and 2 guard cells a side, 1e-4), positions out. ``maps_per_s`` is without
padding, ``maps_padded_per_s`` on the map padded fourfold on both axes, 16 times the cells. The peer uses
``scipy.fft`` with two workers and NumPy's running sums; ``maps_transform_ratio`` sets a bare ``scipy.fft`` transform
against our whole chain, and holds on a busy machine where the rates do not. Echoes are timed over targets and
frames, maps over frames: per target and per frame the cost may not grow (what linear growth would take over what was
taken, so one or more).
"""

from collections.abc import Callable

import numpy as np
import scipy.fft
import tensorflow as tf

from benchmarks import timing
from ntn6g.services.sensing import Cfar, RangeDopplerMap, SensingGrid, Targets, echo_response

GRID = SensingGrid(subcarriers=612, symbols=56, subcarrier_spacing_hz=120e3)
FRAMES, PADDED_FRAMES, PADDING, ROUNDS = 128, 8, 4, 7


def noise(frames: int) -> np.ndarray:
    """Channel estimates of white noise, complex64 [frame, symbol, subcarrier]."""
    rng = np.random.default_rng(1)
    shape = (frames, GRID.symbols, GRID.subcarriers)
    return ((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2.0)).astype(np.complex64)


class Ours:
    """Map and detector as one compiled function."""

    def __init__(self, padding: int) -> None:
        rd_map, detector = RangeDopplerMap(grid=GRID, padding=padding), Cfar(padding=padding)
        self.compiled = tf.function(lambda channel: detector(rd_map(channel)), jit_compile=True, autograph=False)

    def __call__(self, channel: tf.Tensor) -> np.ndarray:
        """Detected cells [detection, (frame, Doppler, delay)]."""
        return tf.where(self.compiled(channel)).numpy()


def peer(channel: np.ndarray) -> np.ndarray:
    """The same with SciPy and NumPy."""
    detector = Cfar()
    spectrum = scipy.fft.fft2(channel.conj(), workers=2)
    power = (spectrum.real**2 + spectrum.imag**2) / GRID.energy.size
    length, training, reach = power.shape[-1], detector.training, detector.training + detector.guard
    wrapped = np.concatenate([power[..., -reach:], power, power[..., :reach]], axis=-1)
    running = np.cumsum(np.pad(wrapped, [(0, 0), (0, 0), (1, 0)]), axis=-1, dtype=np.float64)
    after = 2 * detector.guard + training + 1
    before = running[..., training : training + length] - running[..., :length]
    later = running[..., after + training : after + training + length] - running[..., after : after + length]
    return np.argwhere(power > detector.multiple / detector.cells * (before + later))


def echoes(frames: int, targets: int) -> Callable[[], object]:
    """Call that makes the echoes of some targets in some frames."""
    rng = np.random.default_rng(2)
    columns = [rng.uniform(size=(frames, targets)) * scale for scale in (1e-6, 1e3, 1.0, 1.0)]
    given = Targets(*map(tf.constant, columns))
    gain = tf.ones([frames, targets, GRID.symbols], tf.complex64)
    compiled = tf.function(lambda t, g: echo_response(GRID, t, g), jit_compile=True, autograph=False)
    return lambda: compiled(given, gain).numpy()


def run() -> dict[str, float]:
    """Rates, ratios to the peer and to a bare transform, and how the cost of echoes grows."""
    channel, plain, padded = noise(FRAMES), Ours(1), Ours(PADDING)
    tensor, few = tf.constant(channel), tf.constant(channel[:PADDED_FRAMES])
    if not np.array_equal(plain(tensor), peer(channel)):
        raise RuntimeError("the two sides do not find the same cells")
    maps = timing.in_turns(
        {
            "ours": lambda: plain(tensor),
            "peer": lambda: peer(channel),
            "transform": lambda: scipy.fft.fft2(channel, workers=2),
            "padded": lambda: padded(few),
        },
        rounds=ROUNDS,
    )
    fewer = tf.constant(channel[: FRAMES // 4])
    taken = timing.in_turns({"few": lambda: plain(fewer), "many": lambda: plain(tensor)}, rounds=ROUNDS)
    grown = timing.in_turns({"few": echoes(16, 8), "targets": echoes(16, 64), "frames": echoes(128, 8)}, rounds=ROUNDS)
    return {
        "maps_per_s": FRAMES / min(maps["ours"]),
        "maps_padded_per_s": PADDED_FRAMES / min(maps["padded"]),
        "maps_ratio": timing.ratio(maps, "peer", "ours"),
        "maps_transform_ratio": timing.ratio(maps, "transform", "ours"),
        "maps_frames_linear_ratio": 4.0 * min(taken["few"]) / min(taken["many"]),
        "echo_targets_linear_ratio": 8.0 * min(grown["few"]) / min(grown["targets"]),
        "echo_frames_linear_ratio": 8.0 * min(grown["few"]) / min(grown["frames"]),
    }
