"""What the domain of a link can represent: taps and turns per subcarrier, delays and turns on samples."""

from collections.abc import Mapping

import numpy as np

from ntn6g import channel
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db
from ntn6g.phy.air import SamplePath
from ntn6g.scenario import Scenario
from ntn6g.study.build.fading import late_share
from ntn6g.study.build.link_step import LinkStructure

_DEGREES, _FOLLOWED_DB = (2, 3, 4, 5), -50.0  # in time, of channels on samples, and how well they must follow


def check_domain(given: Scenario, structure: LinkStructure, values: Mapping[str, float]) -> None:
    """Refuse a point that lies outside what its domain can represent.

    Raises
    ------
    ScenarioError
        Taps too late, interference or an error of timing too large.
    """
    profile, grid = structure.channel_profile, structure.grid
    power, delay_s = np.ones(1), np.zeros(1)
    if profile is not None:
        los, scattered, delay_s = profile.taps(values["delay_spread_s"], values["k_factor_db"])
        power = los + scattered
    guard = given.channel.guard  # type: ignore[union-attr]  # a link study has a channel
    if structure.samples:
        path = SamplePath(grid, normalise=False)
        late_s = values["residual_delay_s"]
        longest_s = path.max_delay_s - max(late_s, 0.0)
        _check_timing(late_s, path)
        late = late_share(structure, values["elevation_rad"], longest_s)
        channel.check_longest_delay(power, delay_s, late, longest_s, guard.tap_floor_db)
        return
    channel.check_frequency_domain(
        offset_hz=values["residual_offset_hz"],
        doppler_hz=values["doppler_hz"],
        subcarrier_hz=grid.subcarrier_spacing_hz,
        tap_power=power,
        excess_delay_s=delay_s,
        cyclic_prefix_s=grid.cyclic_prefix_s,
        max_ici_db=guard.max_ici_db,
        tap_floor_db=guard.tap_floor_db,
    )
    late = late_share(structure, values["elevation_rad"], grid.cyclic_prefix_s)
    channel.check_late_power(late, grid.cyclic_prefix_s, guard.tap_floor_db)


def time_degree(structure: LinkStructure, doppler_hz: float, max_error_db: float) -> int:
    """Least degree in time at which a path at the largest Doppler shift is followed to -50 dB; at most 5.

    Raises
    ------
    ScenarioError
        Even that misses more of the path than the guard allows as interference.
    """
    if not structure.samples:
        return _DEGREES[0]
    segment_s = SamplePath(structure.grid, normalise=False).segment_s
    for degree in _DEGREES:
        error_db = float(linear_to_db(max(channel.following_error(doppler_hz, segment_s, degree), 1e-30)))
        if error_db <= _FOLLOWED_DB:
            return degree
    if error_db > max_error_db:
        raise ScenarioError(
            f"a path at a Doppler shift of {doppler_hz:.0f} Hz turns too fast for samples cut into "
            f"{1e6 * segment_s:.0f} us: {error_db:.1f} dB of it would be wrong, above {max_error_db:g} dB; widen the "
            "subcarriers, take more resource blocks, lower speed or carrier, or raise channel.guard.max_ici_db",
            key="channel.domain",
        )
    return _DEGREES[-1]


def _check_timing(late_s: float, path: SamplePath) -> None:
    if not path.earliest_s <= late_s <= path.max_delay_s:
        raise ScenarioError(
            f"it leaves a timing error of {1e6 * late_s:.3g} us, beyond the {1e6 * path.earliest_s:.2g} to "
            f"{1e6 * path.max_delay_s:.2g} us that the samples hold; lower the errors, take fewer resource blocks, or "
            "set timing: acquired",
            key="link.compensation",
        )
