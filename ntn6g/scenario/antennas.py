"""Antennas at the two ends of a link: what they are, where they look, how they are polarised."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section

SATELLITE_POINTING, TERMINAL_POINTING = ("peer", "nadir", "tilted", "beam", "place"), ("peer", "place", "sky")


class Peer(Section):
    """A beam that follows the other end of the link."""

    kind: Literal["peer"] = "peer"
    """At the other end, wherever it goes."""


class Nadir(Section):
    """A satellite's beam that looks straight down."""

    kind: Literal["nadir"]
    """At the Earth's centre: an earth-moving beam."""


class Tilted(Section):
    """A beam fixed to the satellite, which moves over the Earth with it."""

    kind: Literal["tilted"]
    """At an angle from nadir: an earth-moving beam."""
    off_nadir_deg: float = Field(ge=0.0, le=90.0)
    """Angle from nadir, degrees, 0 to 90."""
    from_track_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Side to which it is tilted, degrees from the motion over the ground through the right, -360 to 360; for a \
satellite at rest from north through east."""


class LayoutBeam(Section):
    """One beam of a hexagonal layout around nadir, which moves over the Earth with the satellite."""

    kind: Literal["beam"]
    """At the centre of a beam of a layout: an earth-moving beam."""
    beams: Literal[1, 7, 19, 37, 61, 91, 127] = 19
    """Beams of the layout, whose neighbours overlap at -3 dB: 1, 7, 19, 37, 61, 91 or 127."""
    number: int = Field(ge=0, le=126)
    """Which of them, counted from the middle outwards, from 0."""


class Place(Section):
    """A beam that keeps looking at one place of the Earth."""

    kind: Literal["place"]
    """At a fixed place: an earth-fixed beam."""
    latitude_deg: float = Field(ge=-90.0, le=90.0)
    """Geodetic latitude, degrees north, -90 to 90."""
    longitude_deg: float = Field(ge=-180.0, le=360.0)
    """Longitude, degrees east, -180 to 360."""
    altitude_m: float = Field(default=0.0, ge=-500.0, le=25_000.0)
    """Height above the ellipsoid, m, -500 to 25000."""


class Sky(Section):
    """A terminal's antenna that does not move."""

    kind: Literal["sky"]
    """At a fixed direction of the terminal's horizon."""
    azimuth_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Azimuth, degrees from north through east, -360 to 360."""
    elevation_deg: float = Field(default=90.0, ge=-90.0, le=90.0)
    """Elevation, degrees, -90 to 90; 90 looks at the zenith."""


Pointing = Annotated[Peer | Nadir | Tilted | LayoutBeam | Place | Sky, Field(discriminator="kind")]


class _Antenna(Section):
    """What all antennas have."""

    own_power: ClassVar[bool] = False
    """Whether the preset says how much is sent."""
    own_noise: ClassVar[bool] = False
    """Whether the preset says how noisy reception is."""
    own_polarisation: ClassVar[str | None] = None
    """What the preset's polarisation is where the scenario does not say another."""

    pointing: Pointing = Field(default_factory=Peer)
    """Where its boresight looks; an isotropic antenna looks everywhere."""
    pointing_error_deg: float = Field(default=0.0, ge=0.0, le=90.0)
    """How far boresight lies beyond that, away from the other end, degrees, 0 to 90."""
    polarisation: Literal["right", "left", "linear"] | None = None
    """Circular by its sense, or linear; a loss counts where both ends say theirs, none where one does not."""
    tilt_deg: float = Field(default=0.0, ge=-180.0, le=180.0)
    """Tilt of linear polarisation, or of the long axis of an ellipse, from horizontal, degrees, -180 to 180."""
    axial_ratio_db: float = Field(default=0.0, ge=0.0, le=40.0)
    """Axial ratio of circular polarisation, dB, 0 (perfect) to 40."""


class _Sized(_Antenna):
    """A circular aperture of a given size."""

    diameter_m: float = Field(gt=0.0, le=100.0)
    """Diameter of the aperture, m, above 0 to 100."""
    gain_dbi: float | None = Field(default=None, ge=-10.0, le=90.0)
    """Peak gain, dBi, -10 to 90; default: from diameter and efficiency."""
    efficiency: float = Field(default=0.6, gt=0.0, le=1.0)
    """Efficiency of the aperture where no gain is given, above 0 to 1."""


class Isotropic(_Antenna):
    """The same gain in all directions."""

    kind: Literal["isotropic"]
    """The same gain everywhere."""
    gain_dbi: float = Field(default=0.0, ge=-50.0, le=50.0)
    """The gain, dBi, -50 to 50."""


class Aperture(_Sized):
    """A uniformly lit circular aperture, TR 38.811 6.4.1."""

    kind: Literal["aperture"]
    """Circular aperture of TR 38.811."""


class Taylor(_Sized):
    """A tapered circular aperture with equal near side lobes, ITU-R S.1528 recommends 1.4."""

    kind: Literal["taylor"]
    """Taylor aperture of ITU-R S.1528, 1.4."""
    side_lobe_db: float = Field(default=20.0, ge=15.0, le=50.0)
    """By how much the near side lobes lie below the peak, dB, 15 to 50."""
    equal_side_lobes: int = Field(default=4, ge=2, le=10)
    """Taylor's n-bar: one more than the side lobes of about equal height, 2 to 10."""


class S1528(_Antenna):
    """Envelope of a satellite's antenna."""

    kind: Literal["s1528"]
    """Envelope of ITU-R S.1528 for satellites."""
    envelope: Literal["satellite", "low-orbit"] = "satellite"
    """Recommends 1.2 (any non-geostationary satellite) or 1.3 (low orbits)."""
    gain_dbi: float = Field(ge=0.0, le=70.0)
    """Peak gain, dBi, 0 to 70."""
    beamwidth_deg: float = Field(gt=0.0, le=60.0)
    """Full 3 dB beamwidth, degrees, above 0 to 60."""
    near_side_lobe_db: Literal[-15, -20, -25, -30] = -20
    """Near side lobes of 1.2 relative to the peak, dB: -15, -20, -25 or -30."""


class S465(_Sized):
    """Envelope of an earth station."""

    kind: Literal["s465"]
    """Envelope of ITU-R S.465 for earth stations."""


class S580(_Sized):
    """Envelope of an earth station built to the design objective."""

    kind: Literal["s580"]
    """Envelope of ITU-R S.580 for earth stations."""


class S1428(_Antenna):
    """Pattern of an earth station in calculations of interference from moving satellites."""

    kind: Literal["s1428"]
    """Pattern of ITU-R S.1428 for earth stations, gain included."""
    diameter_m: float = Field(gt=0.0, le=100.0)
    """Diameter, m, above 0 to 100; 20 wavelengths at least."""


class _Panel(_Antenna):
    """A flat antenna steered by phase: it faces one way and its beam looks another."""

    facing_azimuth_deg: float = Field(default=0.0, ge=-360.0, le=360.0)
    """Azimuth of the panel, degrees from north through east; of a satellite from its motion over the ground through \
the right."""
    facing_elevation_deg: float | None = Field(default=None, ge=-90.0, le=90.0)
    """Elevation of the panel, degrees, -90 to 90; default: a terminal's faces the zenith (90), a satellite's nadir \
(-90). A mast's sector leans down by a small negative angle."""
    squint: Literal["carrier", "subcarriers"] = "carrier"
    """Whether a link has the gain of the carrier over its whole band, as if delays steered the beam, or that of every \
subcarrier, whose beams look beside one another when phases do."""


class Array(_Panel):
    """A planar array with phase shifters."""

    kind: Literal["array"]
    """Uniform planar array of TR 38.901 or isotropic elements, steered to where it points."""
    rows: int = Field(ge=1, le=128)
    """Elements along the track (satellite) or upwards (terminal), 1 to 128."""
    columns: int = Field(ge=1, le=128)
    """Elements across, 1 to 128."""
    spacing_wavelengths: float = Field(default=0.5, gt=0.0, le=2.0)
    """Between neighbours at the design frequency, wavelengths, above 0 to 2."""
    element: Literal["directive", "isotropic"] = "directive"
    """Elements of TR 38.901 (8 dBi, 65 degrees), or isotropic ones."""
    panel_rows: int = Field(default=1, ge=1, le=16)
    """Panels along the track or upwards, M_g of TR 38.901, each of `rows` by `columns` elements, 1 to 16."""
    panel_columns: int = Field(default=1, ge=1, le=16)
    """Panels across, N_g of TR 38.901, 1 to 16."""
    panel_spacing_wavelengths: tuple[float, float] | None = None
    """Between centres of neighbouring panels, along and across, wavelengths; default: they join without a gap."""
    bounded_by_area: bool = True
    """Whether an element gains no more than its area allows, 5 dBi at half a wavelength; false takes the 8 dBi of \
TR 38.901 as they are."""
    phase_bits: int | None = Field(default=None, ge=1, le=16)
    """Resolution of the phase shifters, bits, 1 to 16; default: without steps."""
    design_ghz: float | None = Field(default=None, ge=0.1, le=300.0)
    """Frequency for which phases are set, GHz, 0.1 to 300; default: the carrier. Off it the beam squints."""


class ElectronicallySteered(_Panel):
    """A flat round panel whose beam is steered: it shortens, and so widens, as it leaves broadside."""

    kind: Literal["electronically-steered"]
    """Flat round aperture with a linear phase, steered to where it points."""
    diameter_m: float = Field(gt=0.0, le=10.0)
    """Diameter, m, above 0 to 10."""
    efficiency: float = Field(default=0.6, gt=0.0, le=1.0)
    """Efficiency of the aperture at broadside, above 0 to 1."""
    scan_exponent: float = Field(default=1.0, ge=0.0, le=4.0)
    """Gain falls by this power of the cosine of the angle from broadside, 0 to 4; 1 is the projected area."""


class Tr38821(_Antenna):
    """One beam of a satellite of TR 38.821; the band follows from the carrier."""

    own_power: ClassVar[bool] = True
    own_noise: ClassVar[bool] = True

    kind: Literal["tr38821"]
    """Satellite of TR 38.821: aperture, gain, EIRP density and G/T."""
    parameter_set: Literal["set-1", "set-2"] = "set-1"
    """Table 6.1.1.1-1 or -2."""
    orbit: Literal["geo", "leo-1200", "leo-600"]
    """Column of the table."""


class Vsat(_Antenna):
    """The VSAT of TR 38.821, Table 6.1.1.1-3."""

    own_power: ClassVar[bool] = True
    own_noise: ClassVar[bool] = True

    kind: Literal["vsat"]
    """VSAT of TR 38.821: 60 cm, 39.7 dBi at 20 GHz and 43.2 dBi at 30 GHz, 1.2 dB, 150 K, 33 dBm."""


class Handheld(_Antenna):
    """The handheld of TR 38.821, Table 6.1.1.1-3."""

    own_power: ClassVar[bool] = True
    own_noise: ClassVar[bool] = True
    own_polarisation: ClassVar[str | None] = "linear"

    kind: Literal["handheld"]
    """Handheld of TR 38.821: 0 dBi everywhere, 7 dB, 290 K, 23 dBm."""


Antenna = Annotated[
    Isotropic
    | Aperture
    | Taylor
    | S1528
    | S465
    | S580
    | S1428
    | Array
    | ElectronicallySteered
    | Tr38821
    | Vsat
    | Handheld,
    Field(discriminator="kind"),
]
_OF_TERMINALS, _OF_SATELLITES = ("s465", "s580", "s1428", "vsat", "handheld"), ("tr38821", "s1528", "taylor")


class Antennas(Section):
    """Antennas that a link budget takes its gains from, in place of a given EIRP, gain or G/T."""

    satellite: Antenna | None = None
    """Of the satellite or platform."""
    terminal: Antenna | None = None
    """Of the terminal."""

    def check(self, *, faraday: bool = False) -> None:
        """Raise `ScenarioError` for a kind or a pointing of the other end, a beam that is not there, or a loss twice.

        ``faraday`` says whether Faraday rotation counts as a loss between aligned linear antennas.
        """
        self._check_faraday(faraday)
        ends = (("satellite", _OF_TERMINALS, SATELLITE_POINTING), ("terminal", _OF_SATELLITES, TERMINAL_POINTING))
        for end, foreign, pointings in ends:
            antenna = getattr(self, end)
            if antenna is None:
                continue
            if antenna.kind in foreign:
                other = "terminal" if end == "satellite" else "satellite"
                raise ScenarioError(f"{antenna.kind!r} is an antenna of a {other}", key=f"antennas.{end}.kind")
            pointing = antenna.pointing
            if pointing.kind not in pointings:
                raise ScenarioError(
                    f"{pointing.kind!r} is not for a {end}; take one of {', '.join(pointings)}",
                    key=f"antennas.{end}.pointing.kind",
                )
            if isinstance(pointing, LayoutBeam) and pointing.number >= pointing.beams:
                raise ScenarioError(
                    f"{pointing.number}; there are {pointing.beams} beams, counted from 0",
                    key=f"antennas.{end}.pointing.number",
                )

    @property
    def squinting(self) -> str | None:
        """The first end whose gain follows the subcarriers; None where there is none."""
        ends = (name for name in ("satellite", "terminal") if getattr(self, name) is not None)
        return next((name for name in ends if getattr(getattr(self, name), "squint", "carrier") != "carrier"), None)

    def check_squint(self, study: str | None, estimator: str | None) -> None:
        """Raise `ScenarioError` where a gain that follows the subcarriers has no effect or is not known of."""
        if self.squinting is None:
            return
        key = f"antennas.{self.squinting}.squint"
        if study != "link":
            raise ScenarioError(
                f"subcarriers has no effect on a {study} study, which takes the carrier's gain; leave it out", key=key
            )
        if estimator == "lmmse-true":
            raise ScenarioError(
                "subcarriers changes the covariance that link.estimator: lmmse-true takes from the profile; take lmmse",
                key=key,
            )

    def _check_faraday(self, faraday: bool) -> None:
        if not faraday or self.satellite is None or self.terminal is None:
            return
        kinds = {end.polarisation for end in (self.satellite, self.terminal)}
        if None in kinds or (kinds == {"linear"} and self.satellite.tilt_deg == self.terminal.tilt_deg):
            return
        raise ScenarioError(
            "true is the loss between two linear antennas of one tilt; these are not, so leave it out",
            key="channel.losses.faraday",
        )
