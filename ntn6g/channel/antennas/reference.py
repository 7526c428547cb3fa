"""The satellite and terminal antennas of 3GPP TR 38.821, by name."""

from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.antennas.patterns import circular_aperture, relative_db
from ntn6g.channel.tables import read_table
from ntn6g.core.errors import ScenarioError


@dataclass(frozen=True, kw_only=True)
class SatelliteAntenna:
    """One beam of a satellite of TR 38.821."""

    altitude_km: float
    carrier_ghz: float
    aperture_m: float
    gain_dbi: float
    eirp_density_dbw_mhz: float
    g_over_t_db_k: float
    half_power_beamwidth_deg: float
    beam_diameter_km: float

    def gain_towards_dbi(self, off_boresight_rad: tf.Tensor) -> tf.Tensor:
        """Gain of the circular aperture, dBi float64 [...]."""
        relative = circular_aperture(
            off_boresight_rad, aperture_m=self.aperture_m, frequency_hz=1e9 * self.carrier_ghz
        )
        return self.gain_dbi + relative_db(relative)


def satellite_antenna(parameter_set: str, band: str, orbit: str) -> SatelliteAntenna:
    """Antenna of a satellite of TR 38.821.

    Parameters
    ----------
    parameter_set : str
        ``set-1`` or ``set-2``.
    band : str
        ``s`` or ``ka`` (the downlink's aperture).
    orbit : str
        ``geo``, ``leo-1200`` or ``leo-600``.

    Raises
    ------
    ScenarioError
        For a name that the report does not have.

    References
    ----------
    3GPP TR 38.821 V16.2.0, Tables 6.1.1.1-1 and 6.1.1.1-2.
    """
    table = read_table("tr38821_antennas")
    for name, known in ((parameter_set, ("set-1", "set-2")), (band, ("s", "ka")), (orbit, table["columns"])):
        if name not in known:
            raise ScenarioError(f"TR 38.821 has no antenna {name!r}; it has {', '.join(known)}", key="antenna")
    column, row = table["columns"].index(orbit), table[parameter_set][band]
    return SatelliteAntenna(
        altitude_km=float(table["altitude_km"][column]),
        carrier_ghz=float(row["carrier_ghz"]),
        aperture_m=float(row["aperture_m"][column]),
        gain_dbi=float(row["gain_dbi"][column]),
        eirp_density_dbw_mhz=float(row["eirp_density_dbw_mhz"][column]),
        g_over_t_db_k=float(row["g_over_t_db_k"][column]),
        half_power_beamwidth_deg=float(row["half_power_beamwidth_deg"][column]),
        beam_diameter_km=float(row["beam_diameter_km"][column]),
    )
