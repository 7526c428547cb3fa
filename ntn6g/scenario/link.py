"""What is sent and how it is received: grid, coding, receiver."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section, at_most_one
from ntn6g.scenario.harq import Harq, LimitedBuffer
from ntn6g.scenario.payload import Amplifier
from ntn6g.scenario.synchronisation import Compensation

# TS 38.214 V18.7.0, tables 5.1.3.1-1 to -4; the rows beyond are reserved
LAST_MCS_INDEX = {1: 28, 2: 27, 3: 28, 4: 26}


_Port = Annotated[int, Field(ge=0, le=11)]  # DM-RS port, TS 38.211 V18.4.0 tables 7.4.1.1.2-1 and -2, less 1000


class Decoder(Section):
    """The LDPC decoder."""

    kind: Literal["layered-min-sum", "layered-offset-min-sum", "layered-sum-product", "sionna"] = (
        "layered-offset-min-sum"
    )
    """Layered normalised min-sum, offset min-sum (default) or sum-product, or Sionna's flooding belief propagation."""
    iterations: int | None = Field(default=None, ge=1, le=1_000)
    """Most iterations, 1 to 1000; default: the decoder's own."""


class Ptrs(Section):
    """The phase-tracking reference signal of TS 38.211, from which the receiver follows the phase between DM-RS."""

    time_density: Literal[1, 2, 4] = 1
    """In every symbol, every second or every fourth one: 1, 2 or 4."""
    frequency_density: Literal[2, 4] = 2
    """One subcarrier in 2 or 4 resource blocks."""
    element_offset: int = Field(default=0, ge=0, le=3)
    """resourceElementOffset, 0 to 3."""


class Link(Section):
    """The physical layer of one link."""

    direction: Literal["downlink", "uplink"] = "downlink"
    """Who sends: downlink from the satellite, uplink from the terminal."""
    subcarrier_khz: Literal[15, 30, 60, 120, 240] = 120
    """Subcarrier spacing, kHz: 15, 30, 60, 120 or 240."""
    resource_blocks: int = Field(default=25, ge=1, le=275)
    """Resource blocks of 12 subcarriers, 1 to 275."""
    mcs: int | None = Field(default=None, ge=0, le=31)
    """Modulation and coding scheme index, 0 to the last of its table; required unless coding is none."""
    mcs_table: Literal[1, 2, 3, 4] = 1
    """MCS table of TS 38.214: 1 (to 64-QAM), 2 (to 256-QAM), 3 (low spectral efficiency) or, on downlinks, 4 (to
    1024-QAM)."""
    modulation: Literal["bpsk", "pi/2-bpsk", "qpsk", "16qam", "64qam", "256qam", "1024qam"] | None = None
    """Constellation of an uncoded link; required where coding is none, not allowed elsewhere."""
    coding: Literal["ldpc", "none"] = "ldpc"
    """Channel code: the 5G NR LDPC chain, or none."""
    waveform: Literal["cp-ofdm", "dft-s-ofdm", "otfs", "afdm"] = "cp-ofdm"
    """How data is spread over the slot: not at all, or by DFT, symplectic or chirp transform."""
    receiver: Literal["lmmse", "banded-mmse", "message-passing"] = "lmmse"
    """Detector: one tap, a window of subcarriers against interference between them, or message passing."""
    csi: Literal["estimated", "perfect"] = "estimated"
    """Channel knowledge of the receiver: estimated from DM-RS, or perfect."""
    estimator: Literal["ls", "ls-cdm", "lmmse", "lmmse-true"] = "ls"
    """Channel estimator: least squares, the same with pairs of DM-RS averaged (FD-CDM), or LMMSE over frequency with an
    estimated or the true covariance."""
    mapping_type: Literal["A", "B"] = "A"
    """Where the first DM-RS lies: A at `dmrs_type_a_position` of the slot, B at the start of the allocation."""
    first_symbol: int = Field(default=0, ge=0, le=13)
    """First symbol of the slot that is allocated, 0 to 13."""
    symbols: int | None = Field(default=None, ge=1, le=14)
    """Symbols allocated, 1 to 14; default: to the end of the slot."""
    dmrs_type: Literal[1, 2] = 1
    """DM-RS configuration type: 1 (every second subcarrier, 4 ports) or 2 (pairs in six, 6 ports)."""
    dmrs_type_a_position: Literal[2, 3] = 2
    """Symbol of the first DM-RS of mapping type A."""
    dmrs_length: Literal[1, 2] = 1
    """Symbols of each DM-RS: 1, or 2, which doubles the ports (8 of type 1, 12 of type 2)."""
    dmrs_ports: Annotated[tuple[_Port, ...], Field(strict=False, min_length=1, max_length=4)] | None = None
    """DM-RS port of each layer, rising, 0 to 11; default: the first ones."""
    dmrs_additional_positions: int = Field(default=1, ge=0, le=3)
    """DM-RS beyond the first one, 0 to 3; 0 or 1 with `dmrs_length: 2`."""
    dmrs_cdm_groups_without_data: Literal[1, 2, 3] = 1
    """DM-RS groups without data, 1 to 2 (3 with DM-RS type 2); the DM-RS takes their power."""
    layers: int = Field(default=1, ge=1, le=4)
    """Layers sent at once, 1 to 4, at most as many as antennas at either end."""
    transmit_antennas: Literal[1, 2, 3, 4] | None = None
    """Transmit antenna ports, 1 to 4; default: as many as layers."""
    receive_antennas: int | None = Field(default=None, ge=1, le=16)
    """Receive antennas, 1 to 16; default: as many as layers."""
    precoding: Literal["none", "codebook", "type1-single-panel", "svd"] = "none"
    """Layer i on antenna i, the codebook of the PUSCH, that of the PDSCH, or the channel's strongest directions."""
    tpmi: int = Field(default=0, ge=0, le=27)
    """Matrix of `precoding: codebook` (TS 38.211), 0 to 27."""
    pmi: Annotated[
        tuple[Annotated[int, Field(ge=0, le=7)], Annotated[int, Field(ge=0, le=1)], Annotated[int, Field(ge=0, le=3)]],
        Field(strict=False),
    ] = (0, 0, 0)
    """Matrix of `precoding: type1-single-panel` (TS 38.214): i_1,1, i_1,3 and i_2."""
    ptrs: Ptrs | None = None
    """The phase-tracking reference signal; none unless given, `{}` for its defaults."""
    pilots: bool = True
    """Whether DM-RS is sent; false, with perfect csi only, fills the whole allocation with data."""
    cell_id: int = Field(default=1, ge=0, le=1_007)
    """Physical cell identity, which seeds DM-RS and scrambling, 0 to 1007."""
    rnti: int = Field(default=1, ge=0, le=65_535)
    """Radio network temporary identifier, which seeds scrambling and places PT-RS, 0 to 65535."""
    amplifier: Amplifier | None = None
    """Amplifier of the terminal, on uplinks; its EIRP is that of the budget, distortion included."""
    decoder: Decoder = Field(default_factory=Decoder)
    """The LDPC decoder."""
    harq: Harq | None = None
    """Retransmission; absent, every block is sent once."""
    limited_buffer: LimitedBuffer | None = None
    """Soft buffer of limited-buffer rate matching; absent, it holds every codeword whole."""
    residual_offset_ppm: float | None = Field(default=None, ge=-1_000.0, le=1_000.0)
    """Frequency offset left after compensation, parts per million of the carrier, -1000 to 1000."""
    residual_offset_hz: float | None = Field(default=None, ge=-1e7, le=1e7)
    """Frequency offset left after compensation, Hz, -1e7 to 1e7."""
    compensation: Compensation | None = None
    """Removal of the satellite's delay and Doppler from ephemeris, with its errors; absent, it leaves the offset given
    above."""
    synchroniser: Literal["none", "cyclic-prefix", "dm-rs", "both"] = "none"
    """How the receiver finds and removes a frequency offset: not, from prefixes, from pairs of DM-RS, or both in
    turn."""
    count_cyclic_prefix: bool = False
    """Whether the energy per bit counts the cyclic prefix."""

    @model_validator(mode="after")
    def _no_rivals(self) -> Self:
        at_most_one(self, "mcs", "modulation")
        at_most_one(self, "residual_offset_ppm", "residual_offset_hz", "compensation")
        return self

    def check(self) -> None:
        """Raise `ScenarioError` where the keys do not fit together."""
        if self.coding == "ldpc":
            self._check_coded()
        else:
            self._check_uncoded()
        self._check_spread()
        self._check_amplifier()
        if not self.pilots and self.csi != "perfect":
            raise ScenarioError(
                "false leaves nothing to estimate the channel from; it needs link.csi: perfect",
                key="link.pilots",
            )
        if self.first_symbol + self.allocated_symbols > 14:
            raise ScenarioError(
                f"{self.symbols} symbols from symbol {self.first_symbol} on end behind the slot's 14",
                key="link.symbols",
            )
        if self.precoding == "type1-single-panel" and self.direction == "uplink":
            raise ScenarioError(
                "type1-single-panel is the codebook of the PDSCH; an uplink takes codebook with a tpmi",
                key="link.precoding",
            )
        if self.ptrs is not None and not self.pilots:
            raise ScenarioError("it follows the phase between DM-RS; pilots: false leaves those out", key="link.ptrs")

    def _check_spread(self) -> None:
        whole = 2 if self.dmrs_type == 1 else 3
        spread = self.waveform != "cp-ofdm"
        if spread and self.pilots and self.dmrs_cdm_groups_without_data != whole:
            raise ScenarioError(
                f"{self.dmrs_cdm_groups_without_data} leaves data beside the DM-RS, which {self.waveform} cannot "
                f"spread over whole symbols; set it to {whole}",
                key="link.dmrs_cdm_groups_without_data",
            )
        if spread and self.ptrs is not None:
            raise ScenarioError(f"it lies between data that {self.waveform} spreads; leave it out", key="link.ptrs")
        if self.receiver == "message-passing" and not spread:
            raise ScenarioError(
                "cp-ofdm has every symbol on an element of its own, which leaves no message to pass; take another "
                "waveform, or receiver: lmmse",
                key="link.receiver",
            )
        antennas = max(self.layers, self.transmit_antennas or 1, self.receive_antennas or 1)
        single = {"waveform": "cp-ofdm", "receiver": "lmmse", "synchroniser": "none"}
        beyond = [key for key, value in single.items() if getattr(self, key) != value]
        beyond += ["estimator"] if self.estimator.startswith("lmmse") else []
        if antennas > 1 and beyond:
            raise ScenarioError(
                f"{getattr(self, beyond[0])} is built for one layer and one antenna at each end",
                key=f"link.{beyond[0]}",
            )

    def _check_amplifier(self) -> None:
        if self.amplifier is None:
            return
        if self.direction == "downlink":
            raise ScenarioError(
                "it is the terminal's, which sends on uplinks; that of a satellite is payload.amplifier",
                key="link.amplifier",
            )
        if max(self.layers, self.transmit_antennas or 1, self.receive_antennas or 1) > 1:
            raise ScenarioError("it acts on one antenna at each end; take one layer", key="link.amplifier")
        if self.waveform == "dft-s-ofdm" and self.csi == "perfect":
            raise ScenarioError(
                "perfect knows an amplifier's gain for Gaussian signals, which dft-s-ofdm is not; take estimated",
                key="link.csi",
            )

    def check_domain(self, domain: str) -> None:
        """Raise `ScenarioError` where synchronisation needs samples, or pilots, that are not there."""
        if self.compensation is not None:
            self.compensation.check(domain)
        if self.synchroniser == "none":
            return
        if domain != "time":
            raise ScenarioError(
                f"{self.synchroniser} works on samples; set channel.domain: time", key="link.synchroniser"
            )
        if self.synchroniser != "cyclic-prefix" and not (self.pilots and self.dmrs_additional_positions):
            raise ScenarioError(
                f"{self.synchroniser} compares two DM-RS symbols; set link.dmrs_additional_positions to 1 or more",
                key="link.synchroniser",
            )

    @property
    def allocated_symbols(self) -> int:
        """Symbols of the allocation."""
        return 14 - self.first_symbol if self.symbols is None else self.symbols

    def _check_coded(self) -> None:
        if self.modulation is not None:
            raise ScenarioError(
                f"{self.modulation!r} is for coding: none; with coding: ldpc the mcs sets the modulation",
                key="link.modulation",
            )
        if self.mcs is None:
            raise ScenarioError("required key is missing (or give coding: none with a modulation)", key="link.mcs")
        if self.mcs_table == 4 and self.direction == "uplink":
            raise ScenarioError(
                "4 (to 1024-QAM) is a table of the PDSCH; an uplink takes 1, 2 or 3 (TS 38.214 6.1.4.1)",
                key="link.mcs_table",
            )
        last = LAST_MCS_INDEX[self.mcs_table]
        if self.mcs > last:
            raise ScenarioError(
                f"{self.mcs} is outside MCS table {self.mcs_table} of TS 38.214; its last index is {last}",
                key="link.mcs",
            )
        if self.harq is not None:
            self.harq.check()

    def _check_uncoded(self) -> None:
        for key in ("harq", "limited_buffer"):
            if getattr(self, key) is not None:
                raise ScenarioError("needs coding: ldpc; without a code there is nothing to combine", key=f"link.{key}")
        if self.mcs is not None:
            raise ScenarioError(
                f"{self.mcs} is for coding: ldpc; with coding: none give a modulation instead", key="link.mcs"
            )
        if self.modulation is None:
            raise ScenarioError("required key is missing where coding is none", key="link.modulation")
