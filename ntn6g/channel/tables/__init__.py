"""Elevation-indexed tables of TR 38.811, and the one function that reads them.

The tables lie beside this file; their headers name the clauses. A value is looked up on the host in float64,
once per point or row, and enters the compiled step as a tensor.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import yaml
from numpy.typing import ArrayLike, NDArray

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS

ENVIRONMENTS = ("dense-urban", "urban", "suburban", "rural")
Band = Literal["S", "Ka"]
Interpolation = Literal["linear", "nearest"]
BelowTable = Literal["error", "clamp"]

LOWEST_TABLE_GHZ, HIGHEST_TABLE_GHZ = 0.5, 100.0  # TR 38.811 V15.1.0, 6.1.3: what its models support
_LSP_QUANTITIES = ("muDS", "sigmaDS", "muK", "sigmaK")
_ROUNDING_DEG = 1e-6  # a rise refined to 1 us through the mask at 10 degrees lies within 1e-7 of it


@cache
def read_table(name: str) -> Any:
    """Content of a table file of this folder, for example ``tr38811_tdl``."""
    return yaml.safe_load((files("ntn6g.channel.tables") / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def read_rows(name: str) -> NDArray[np.float64]:
    """Numbers of a CSV table of this folder, [row, column], without its comments and its line of names."""
    lines = (files("ntn6g.channel.tables") / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("#")][1:]
    return np.array([[float(cell) for cell in line.split(",")] for line in kept])


def band_of(carrier_hz: float) -> Band:
    """Column of the tables for a carrier of 0.5 to 100 GHz: S below 6 GHz, else Ka.

    TR 38.811 has tables for below 6 GHz (S) and for Ka band (20 and 30 GHz) only, and means to support 0.5 to 100 GHz.

    Raises
    ------
    ScenarioError
        A carrier outside 0.5 to 100 GHz.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.1.3.
    """
    carrier_ghz = carrier_hz / 1e9
    if not LOWEST_TABLE_GHZ <= carrier_ghz <= HIGHEST_TABLE_GHZ:
        raise ScenarioError(
            f"{carrier_ghz:g} GHz is outside the {LOWEST_TABLE_GHZ:g} to {HIGHEST_TABLE_GHZ:g} GHz of the tables of "
            "TR 38.811; give what is read from them, or take another model",
            key="channel.carrier_ghz",
        )
    return "S" if carrier_hz < 6e9 else "Ka"


def lookup(
    environment: str,
    band: Band,
    line_of_sight: bool,
    quantity: str,
    elevation_rad: Any,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> Any:
    """A tabulated quantity at given elevations.

    Parameters
    ----------
    environment : str
        One of ``dense-urban urban suburban rural``.
    band : str
        ``S`` or ``Ka``, see `band_of`.
    line_of_sight : bool
        Column of the table; without effect on ``los_probability`` and ``tropospheric_scintillation_db``.
    quantity : str
        ``muDS sigmaDS`` (log10 of seconds), ``muK sigmaK`` (dB), ``los_probability``, ``sigma_sf_db``,
        ``clutter_db``, ``tropospheric_scintillation_db``.
    elevation_rad : [...]
        Elevation. The tables cover 10 to 90 degrees. A TensorFlow tensor gives a tensor, differentiable, for
        which the end values hold outside the tables.
    interpolation : str
        ``linear`` between the reference elevations, in the unit of the table (so the median delay spread is
        interpolated as a logarithm), which keeps sweeps smooth; ``nearest`` takes the nearest reference
        elevation as the report does (half way rounds up).
    below_table : str
        ``error``, or ``clamp`` to use the 10 degree column below 10 degrees.

    Returns
    -------
    [...], float64
        Value per elevation.

    Raises
    ------
    ScenarioError
        Unknown environment, elevation outside the tables, K-factor without line of sight.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Tables 6.6.1-1, 6.6.2-1 to -3, 6.6.6.2.1-1, 6.7.2-1 to -8.
    """
    row = np.asarray(_row(environment, band, line_of_sight, quantity), np.float64)
    if tf.is_tensor(elevation_rad):
        # a sum, since accelerators may round matrix products to 10 bits (TensorFloat-32)
        return tf.reduce_sum(table_weights(elevation_rad, interpolation) * tf.constant(row, elevation_rad.dtype), -1)
    elevation_deg = _checked_elevation_deg(elevation_rad, below_table)
    if interpolation == "nearest":
        return row[np.floor((elevation_deg - 10.0) / 10.0 + 0.5 + _ROUNDING_DEG).astype(np.int64)]
    return np.interp(elevation_deg, np.arange(10.0, 91.0, 10.0), row)


def table_weights(elevation_rad: tf.Tensor, interpolation: Interpolation = "linear") -> tf.Tensor:
    """Weight of each reference elevation, 10 to 90 degrees: [...] to [..., 9], summing to one.

    The end values hold outside the tables. Linear weights are differentiable; nearest ones are constant.
    """
    position = tf.clip_by_value(elevation_rad / DEGREES_TO_RADIANS / 10.0 - 1.0, 0.0, 8.0)[..., None]
    columns = tf.constant(np.arange(9.0), position.dtype)
    if interpolation == "nearest":
        position = tf.floor(position + 0.5 + _ROUNDING_DEG)
    return tf.maximum(1.0 - tf.abs(position - columns), 0.0)


def median_delay_spread_s(
    environment: str,
    band: Band,
    line_of_sight: bool,
    elevation_rad: ArrayLike,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> NDArray[np.float64]:
    """Median RMS delay spread ``10 ** muDS`` (TR 38.811 V15.1.0, 6.7.2); arguments and errors as `lookup`."""
    return 10.0 ** lookup(environment, band, line_of_sight, "muDS", elevation_rad, interpolation, below_table)


def median_k_factor_db(
    environment: str,
    band: Band,
    elevation_rad: ArrayLike,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> NDArray[np.float64]:
    """Median K-factor ``muK`` in line of sight (TR 38.811 V15.1.0, 6.7.2); otherwise as `lookup`."""
    return lookup(environment, band, True, "muK", elevation_rad, interpolation, below_table)


def _row(environment: str, band: Band, line_of_sight: bool, quantity: str) -> list[float]:
    if environment not in ENVIRONMENTS:
        raise ScenarioError(
            f"{environment!r} is not an environment of TR 38.811; it has {', '.join(ENVIRONMENTS)}",
            key="channel.environment",
        )
    if quantity in _LSP_QUANTITIES:
        columns = read_table("tr38811_lsp")[environment]["los" if line_of_sight else "nlos"][band]
        if quantity not in columns:
            raise ScenarioError(
                f"TR 38.811 has no K-factor ({quantity}) without line of sight; "
                "choose a line-of-sight profile or give the K-factor",
                key="channel.fading.k_factor_db",
            )
        return list(columns[quantity])
    table = read_table("tr38811_loss")
    shadowing = table["shadowing"][environment][band]
    rows = {
        "los_probability": table["los_probability"][environment],
        "tropospheric_scintillation_db": table["tropospheric_scintillation_db"],
        "sigma_sf_db": shadowing["sigma_sf_los_db" if line_of_sight else "sigma_sf_nlos_db"],
        "clutter_db": [0.0] * 9 if line_of_sight else shadowing["clutter_nlos_db"],
    }
    if quantity not in rows:
        raise ValueError(f"{quantity!r} is not tabulated; there are {', '.join((*_LSP_QUANTITIES, *rows))}")
    return list(rows[quantity])


def _checked_elevation_deg(elevation_rad: ArrayLike, below_table: BelowTable) -> NDArray[np.float64]:
    elevation_deg = np.asarray(elevation_rad, np.float64) / DEGREES_TO_RADIANS
    low = 10.0 if below_table == "error" else -90.0
    outside = ~((elevation_deg >= low - _ROUNDING_DEG) & (elevation_deg <= 90.0 + _ROUNDING_DEG))
    if outside.any():
        value_deg = float(np.atleast_1d(elevation_deg[outside])[0])
        way_out = "raise the elevation or set channel.below_table: clamp to use the 10 degree column"
        cause = way_out if value_deg < 10.0 else "an elevation is at most 90 degrees"
        raise ScenarioError(
            f"{value_deg:g} degrees is outside the 10 to 90 degrees of the TR 38.811 tables; {cause}",
            key="at.elevation_deg",
        )
    return np.clip(elevation_deg, 10.0, 90.0)
