"""How strong the signal is: Eb/N0, Es/N0 or a link budget."""

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.antennas import Antenna
from ntn6g.scenario.fields import Section

_NOISE_KEYS = ("antenna_gain_dbi", "noise_figure_db", "antenna_temperature_k")
_RADIATED, _FED = ("eirp_density_dbw_mhz", "eirp_dbm"), ("power_density_dbw_mhz", "power_dbm")
End = tuple[str, Antenna] | None
"""Name and antenna of an end of a link; None where the scenario gives none."""


class Budget(Section):
    """Received power from a link budget: EIRP, losses of the channel section, G/T."""

    eirp_density_dbw_mhz: float | None = Field(default=None, ge=-200.0, le=200.0)
    """EIRP per bandwidth, dBW/MHz, -200 to 200; or give `eirp_dbm`."""
    eirp_dbm: float | None = Field(default=None, ge=-200.0, le=200.0)
    """EIRP over the occupied bandwidth, dBm, -200 to 200; or give `eirp_density_dbw_mhz`."""
    power_density_dbw_mhz: float | None = Field(default=None, ge=-200.0, le=200.0)
    """Power fed to the antenna of `antennas` that sends, per bandwidth, dBW/MHz, -200 to 200; or give `power_dbm`."""
    power_dbm: float | None = Field(default=None, ge=-200.0, le=200.0)
    """The same over the occupied bandwidth, dBm, -200 to 200; default of both: that of the antenna's preset."""
    gt_dbk: float | None = Field(default=None, ge=-100.0, le=100.0)
    """Receiver figure of merit G/T, dB/K, -100 to 100; or give gain, noise figure and temperature."""
    antenna_gain_dbi: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Gain of the receive antenna, dBi, -50 to 100."""
    noise_figure_db: float | None = Field(default=None, ge=0.0, le=50.0)
    """Noise figure of the receiver, dB, 0 to 50."""
    antenna_temperature_k: float | None = Field(default=None, gt=0.0, le=1e5)
    """Noise temperature of the receive antenna, K, above 0 to 1e5."""
    additional_loss_db: float = Field(default=0.0, ge=-100.0, le=100.0)
    """Further losses, dB, -100 to 100."""

    def check(self, sending: End = None, receiving: End = None) -> None:
        """Raise `ScenarioError` unless there is one power and one description of the receiver.

        ``sending`` and ``receiving`` are the antennas of these ends, with their names, where the scenario has them.
        """
        self._check_power(sending)
        self._check_reception(receiving)

    def _check_power(self, sending: End) -> None:
        fed = [key for key in _FED if getattr(self, key) is not None]
        radiated = [key for key in _RADIATED if getattr(self, key) is not None]
        if sending is None:
            if fed:
                raise ScenarioError(
                    f"{getattr(self, fed[0]):g} is fed to an antenna that sends, and antennas has none at that end; "
                    f"give one, or {' or '.join(_RADIATED)}",
                    key=f"power.budget.{fed[0]}",
                )
            return _exactly_one(self, _RADIATED, "power.budget")
        name, antenna = sending
        if radiated:
            raise ScenarioError(
                f"{radiated[0]} and antennas.{name} are both given; the antenna's gain makes the EIRP, "
                f"so give {' or '.join(_FED)}" + (", or none for that of its preset" if antenna.own_power else ""),
                key="power.budget",
            )
        if len(fed) > 1 or not (fed or antenna.own_power):
            _exactly_one(self, _FED, "power.budget")
        return None

    def _check_reception(self, receiving: End) -> None:
        given = [key for key in _NOISE_KEYS if getattr(self, key) is not None]
        if receiving is None:
            return self._check_receiver(given)
        name, antenna = receiving
        for key in ("gt_dbk", "antenna_gain_dbi"):
            if getattr(self, key) is not None:
                raise ScenarioError(
                    f"{key} and antennas.{name} are both given; the gain is the antenna's, so leave {key} out",
                    key="power.budget",
                )
        missing = [key for key in _NOISE_KEYS[1:] if key not in given]
        if missing and (given or not antenna.own_noise):
            raise ScenarioError(
                f"{missing[0]} is missing; with antennas.{name} give {' and '.join(_NOISE_KEYS[1:])}"
                + (", or neither for those of its preset" if antenna.own_noise else ""),
                key="power.budget",
            )
        return None

    def _check_receiver(self, given: list[str]) -> None:
        if self.gt_dbk is not None and given:
            raise ScenarioError(
                f"gt_dbk and {given[0]} are both given; give either gt_dbk or {', '.join(_NOISE_KEYS)}",
                key="power.budget",
            )
        if self.gt_dbk is None and len(given) < len(_NOISE_KEYS):
            missing = next(key for key in _NOISE_KEYS if key not in given)
            raise ScenarioError(
                f"{missing} is missing; give either gt_dbk or all of {', '.join(_NOISE_KEYS)}",
                key="power.budget",
            )


class Power(Section):
    """How strong the signal is: exactly one of Eb/N0, Es/N0 and a link budget."""

    ebno_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Received energy per transport-block bit over noise density, dB, -50 to 100."""
    esno_db: float | None = Field(default=None, ge=-50.0, le=100.0)
    """Received energy per occupied resource element over noise density, dB, -50 to 100."""
    budget: Budget | None = None
    """Received power from EIRP, range, losses and G/T."""

    def check(self, sending: End = None, receiving: End = None) -> None:
        """Raise `ScenarioError` unless exactly one way is chosen; antennas as in `Budget.check`."""
        _exactly_one(self, ("ebno_db", "esno_db", "budget"), "power")
        if self.budget is not None:
            self.budget.check(sending, receiving)


def check_absorption_noise(counts: bool, power: Power | None) -> None:
    """Raise `ScenarioError` where the noise of absorbing gases counts beside a G/T that holds all noise."""
    budget = None if power is None else power.budget
    if counts and budget is not None and budget.gt_dbk is not None:
        raise ScenarioError(
            "true needs power.budget.antenna_temperature_k, which it raises; a given gt_dbk holds all noise",
            key="channel.losses.absorption_noise",
        )


def _exactly_one(section: Section, keys: tuple[str, ...], where: str) -> None:
    given = [key for key in keys if getattr(section, key) is not None]
    if len(given) != 1:
        found = f"{' and '.join(given)} are given" if given else "none is given"
        raise ScenarioError(f"{found}; give exactly one of {', '.join(keys)}", key=where)
