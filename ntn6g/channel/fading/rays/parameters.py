"""Parameters of the ray model at the elevation of every link, read inside the compiled step."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel.response import once
from ntn6g.channel.tables import Band, Interpolation, lookup, read_table, table_weights
from ntn6g.core.errors import ScenarioError

LARGE_SCALE = ("SF", "ZSA", "ASA", "DS", "K")  # order of the Cholesky factor; any order gives the same law
DEPARTURE = ("ASD", "ZSD")  # follow where a platform in the air sends
_DEPARTING = ("muASD", "sigmaASD", "muZSD", "sigmaZSD", "cASD")
_INTERPOLATED = (
    "muDS", "sigmaDS", "muASA", "sigmaASA", "muZSA", "sigmaZSA", "muK", "sigmaK", "sigmaSF",
    "rTau", "muXPR", "sigmaXPR", "cDS", "cASA", "cZSA", "zeta",
)  # fmt: skip
_REFERENCE_RAD = np.deg2rad(np.arange(10.0, 91.0, 10.0))


class Scattering(NamedTuple):
    """What surrounds a terminal: a column of Tables 6.7.2-1 to 6.7.2-8."""

    environment: str
    band: Band
    line_of_sight: bool


@dataclass(frozen=True)
class Departure:
    """Spreads of departure from a platform in the air, float32 [B]; names and units of the report's tables."""

    muASD: tf.Tensor  # noqa: N815
    sigmaASD: tf.Tensor  # noqa: N815
    muZSD: tf.Tensor  # noqa: N815
    sigmaZSD: tf.Tensor  # noqa: N815
    cASD: tf.Tensor  # noqa: N815


@dataclass(frozen=True)
class Parameters:
    """One value per link, float32 [B]; names and units of the report's tables.

    ``correlation`` holds the entries below the diagonal of the matrix of `LARGE_SCALE`, row by row.
    """

    muDS: tf.Tensor  # noqa: N815
    sigmaDS: tf.Tensor  # noqa: N815
    muASA: tf.Tensor  # noqa: N815
    sigmaASA: tf.Tensor  # noqa: N815
    muZSA: tf.Tensor  # noqa: N815
    sigmaZSA: tf.Tensor  # noqa: N815
    muK: tf.Tensor  # noqa: N815
    sigmaK: tf.Tensor  # noqa: N815
    sigmaSF: tf.Tensor  # noqa: N815
    rTau: tf.Tensor  # noqa: N815
    muXPR: tf.Tensor  # noqa: N815
    sigmaXPR: tf.Tensor  # noqa: N815
    cDS: tf.Tensor  # noqa: N815
    cASA: tf.Tensor  # noqa: N815
    cZSA: tf.Tensor  # noqa: N815
    zeta: tf.Tensor
    correlation: tuple[tf.Tensor, ...]
    clusters: tf.Tensor
    azimuth_scaling: tf.Tensor
    zenith_scaling: tf.Tensor
    line_of_sight: tf.Tensor
    """1 with, 0 without."""
    departure: Departure | None = None
    """None where rays leave in one direction; else ``correlation`` goes on with the rows of `DEPARTURE`."""


class ParameterTables(Protocol):
    """What the ray model reads its parameters from."""

    @property
    def most_clusters(self) -> int:
        """Clusters of the column that has most of them."""
        ...

    @property
    def any_line_of_sight(self) -> bool:
        """Whether any column has a line of sight."""
        ...

    def at(self, elevation_rad: tf.Tensor, scattering: tf.Tensor | None = None) -> Parameters:
        """Parameters of links, by elevation float32 [B] and, with several columns, int32 indices [B]."""
        ...


class Tables:
    """The columns of some scatterings as two constant matrices.

    Parameters
    ----------
    scatterings : sequence of Scattering
        One or several; a link then names its own by index.
    interpolation : str
        ``linear`` between the reference elevations (muDS and the other logarithms as such), or ``nearest`` as
        the report says. The number of clusters and its scaling factors are always those of the nearest one.
    departure : bool
        Whether rays leave with the spreads of a platform in the air; those of a satellite are zero.

    Raises
    ------
    ScenarioError
        Unknown environment.
    """

    def __init__(
        self, scatterings: Sequence[Scattering], interpolation: Interpolation = "linear", *, departure: bool = False
    ) -> None:
        self.interpolation: Interpolation = interpolation
        self.count = len(scatterings)
        self._departure = departure
        columns = [_columns(each, departure) for each in scatterings]
        self._smooth = np.concatenate([smooth for smooth, _ in columns])
        self._stepped = np.concatenate([stepped for _, stepped in columns])
        self.most_clusters = int(self._stepped[:, 0].max())
        self.any_line_of_sight = bool(self._stepped[:, 3].max() > 0.0)

    def at(self, elevation_rad: tf.Tensor, scattering: tf.Tensor | None = None) -> Parameters:
        """Parameters of links: elevation float32 [B] and, with several scatterings, their int32 indices [B].

        The end values hold below 10 degrees. Differentiable in the elevation.
        """
        smooth = self._read(self._smooth, elevation_rad, scattering, self.interpolation)
        stepped = self._read(self._stepped, elevation_rad, scattering, "nearest")
        named = dict(zip(_INTERPOLATED, smooth, strict=False))
        rest = smooth[len(_INTERPOLATED) :]
        departure = None
        if self._departure:
            departure = Departure(*rest[: len(_DEPARTING)])
            rest = rest[len(_DEPARTING) :]
        return Parameters(
            **named,
            correlation=tuple(rest),
            departure=departure,
            **dict(zip(("clusters", "azimuth_scaling", "zenith_scaling", "line_of_sight"), stepped, strict=True)),
        )

    def _read(
        self,
        table: NDArray[np.float64],
        elevation_rad: tf.Tensor,
        scattering: tf.Tensor | None,
        interpolation: Interpolation,
    ) -> list[tf.Tensor]:
        weights = table_weights(elevation_rad, interpolation)
        if self.count > 1:
            if scattering is None:
                raise ValueError(f"{self.count} scatterings: give the index of each link")
            chosen = tf.one_hot(scattering, self.count, dtype=weights.dtype)
            weights = tf.reshape(chosen[:, :, None] * weights[:, None, :], [-1, 9 * self.count])
        # not as a matrix product, which accelerators may round to 10 bits (TensorFloat-32): 0.02 dB of 40 dB
        weights = once(weights, elevation_rad[:, None])
        columns = [tf.reduce_sum(weights * tf.constant(column, weights.dtype), 1) for column in table.T]
        return tf.unstack(once(tf.stack(columns), elevation_rad), axis=0)


def _columns(each: Scattering, departure: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of the nine reference elevations: [9, interpolated quantities], [9, stepped ones]."""
    environment, band, line_of_sight = each
    sigma_sf = lookup(environment, band, line_of_sight, "sigma_sf_db", _REFERENCE_RAD)  # also checks the name
    table = read_table("tr38811_rays")
    rows = table[environment]["los" if line_of_sight else "nlos"][band]
    own = dict(rows) | {"sigmaSF": sigma_sf}
    for quantity in ("muDS", "sigmaDS", "muK", "sigmaK"):
        missing = not line_of_sight and quantity.endswith("K")
        own[quantity] = np.zeros(9) if missing else lookup(environment, band, line_of_sight, quantity, _REFERENCE_RAD)
    smooth = [own[quantity] for quantity in _INTERPOLATED]
    names: tuple[str, ...] = LARGE_SCALE
    correlations = dict(rows["correlation"])
    if departure:
        leaving = _departing(each)
        smooth += [leaving[quantity] for quantity in _DEPARTING]
        names, correlations = LARGE_SCALE + DEPARTURE, correlations | leaving["correlation"]
    pairs = [(names[row], names[column]) for row in range(len(names)) for column in range(row)]
    smooth += [_correlation(correlations, *pair) for pair in pairs]
    counts = np.asarray(rows["clusters"], np.int64)
    stepped = [
        counts,
        [table["azimuth_scaling"][n] for n in counts],
        [table["zenith_scaling"][n] for n in counts],
        np.full(9, float(line_of_sight)),
    ]
    return np.array(smooth, np.float64).T, np.array(stepped, np.float64).T


def _departing(each: Scattering) -> Any:
    return read_table("tr38811_departure")[each.environment]["los" if each.line_of_sight else "nlos"][each.band]


def _correlation(rows: Any, first: str, second: str) -> list[float]:
    for name in (f"{first}_{second}", f"{second}_{first}"):
        if name in rows:
            return list(rows[name])
    if "K" in (first, second):
        return [0.0] * 9  # no K-factor without line of sight
    raise ValueError(f"no correlation of {first} and {second}")


def correlation_distances_m(each: Scattering, *, departure: bool = False) -> dict[str, float]:
    """Distance in the horizontal plane over which each large-scale parameter forgets, by name of `LARGE_SCALE`.

    With ``departure`` those of `DEPARTURE` follow.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Tables 6.7.2-1 to 6.7.2-8.
    """
    table = read_table("tr38811_rays")
    if each.environment not in table:
        raise ScenarioError(f"{each.environment!r} is not an environment of TR 38.811", key="channel.environment")
    found = table[each.environment]["los" if each.line_of_sight else "nlos"][each.band]["distance_m"]
    own = {name: float(found.get(name, found["SF"])) for name in LARGE_SCALE}
    return own | {name: float(value) for name, value in _departing(each)["distance_m"].items()} if departure else own


Direction = Literal["downlink", "uplink"]
PARAMETER_NAMES = tuple(field.name for field in fields(Parameters) if field.name not in ("correlation", "departure"))
