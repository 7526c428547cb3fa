"""Shadow fading and clutter."""

from typing import Any

from ntn6g.channel.tables import BelowTable, Interpolation, band_of, lookup


def shadow_sigma_db(
    elevation_rad: Any,
    carrier_hz: float,
    environment: str,
    line_of_sight: bool,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> Any:
    """Standard deviation of log-normal shadow fading; arguments and errors as `ntn6g.channel.tables.lookup`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, Tables 6.6.2-1 to 6.6.2-3.
    """
    band = band_of(carrier_hz)
    return lookup(environment, band, line_of_sight, "sigma_sf_db", elevation_rad, interpolation, below_table)


def clutter_loss_db(
    elevation_rad: Any,
    carrier_hz: float,
    environment: str,
    line_of_sight: bool,
    interpolation: Interpolation = "linear",
    below_table: BelowTable = "error",
) -> Any:
    """Clutter loss, zero in line of sight at any carrier; arguments and errors as `ntn6g.channel.tables.lookup`.

    References
    ----------
    3GPP TR 38.811 V15.1.0, 6.6.2 and Tables 6.6.2-1 to 6.6.2-3.
    """
    band = "Ka" if line_of_sight else band_of(carrier_hz)
    return lookup(environment, band, line_of_sight, "clutter_db", elevation_rad, interpolation, below_table)
