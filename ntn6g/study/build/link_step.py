"""The compiled step of a link: what fixes its structure, and the call that turns work into chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel import Profile
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy import BITS_PER_SYMBOL, LinkChain, LinkValues, Modulation, SlotGrid
from ntn6g.phy.abstraction import CodewordChain
from ntn6g.phy.air import SamplePath, SubcarrierPath, SynchronisedPath
from ntn6g.phy.chain import Reception
from ntn6g.phy.coding import LimitedBuffer, Mcs, TransportCode, mcs, resource_elements, transport_block_bits
from ntn6g.phy.harq import HarqChain
from ntn6g.phy.layered import SINGLE, Antennas, LayeredChain
from ntn6g.phy.modulation import MODULATION_OF_ORDER
from ntn6g.phy.physical_channel import scrambling_sequence
from ntn6g.phy.receivers import BandedMmse, Detector, LmmseEstimator, MessagePassing, OneTap
from ntn6g.phy.waveforms import WAVEFORMS, Waveform
from ntn6g.study.build.allocation import WHOLE_SLOT, Allocation
from ntn6g.study.build.compiled_step import CompiledStep, chunk_keys, total
from ntn6g.study.build.fading import fading_profile, make_fading
from ntn6g.study.build.payload import PayloadStructure, on_board
from ntn6g.study.build.synchronised import of_blocks
from ntn6g.study.engine import BLOCKS_PER_CHUNK

# Float32 values alive at once per resource element in the widest stage (demapper of 64-QAM: two axes of eight
# metrics, symbols, channel, noise), and bytes of decoder state per coded bit (posterior twice, messages of about
# four edges a bit, gathers). Measured peaks lie a third below.
_BYTES_PER_ELEMENT, _BYTES_PER_CODED_BIT = 4 * 48, 24
_BATCH_BYTES = 256 * 2**20  # beyond it nothing gets faster on a CPU, and points that need few blocks waste more
_FEWEST_ROWS, _MOST_ROWS = 64, 256


PanelElements = tuple[tuple[float, ...], tuple[tuple[float, float, float], ...]]
"""Slants in radians and positions in wavelengths of an end's elements."""


@dataclass(frozen=True, kw_only=True)
class HarqStructure:
    """Redundancy versions in turn, most transmissions with feedback, slots of a block without."""

    versions: tuple[int, ...]
    max_transmissions: int
    repetitions: int

    @property
    def most(self) -> int:
        """Most transmissions of any block."""
        return max(self.max_transmissions, self.repetitions)


@dataclass(frozen=True, kw_only=True)
class LinkStructure:
    """All that shapes the tensors of a link; points of equal structure share one compiled step.

    ``modulation`` or ``mcs`` is None, as the link is coded or not; ``fading`` is a kind of `ntn6g.scenario.Fading`,
    ``scattering`` the environment, band and line of sight (None where drawn) of a kind that reads tables by itself, and
    ``shadowing`` whether it draws shadow fading too; ``fading_parameters`` are numbers that its kind knows. Other names
    as in `ntn6g.scenario.Link`.
    """

    resource_blocks: int
    subcarrier_spacing_hz: float
    dmrs_additional_positions: int
    pilots: bool
    modulation: str | None
    mcs: int | None
    mcs_table: int
    decoder: str
    decoder_iterations: int | None
    fading: str
    profile: str | None
    los_doppler_ratio: float
    perfect_csi: bool
    frequency_offset: bool
    dmrs_cdm_groups_without_data: int = 1
    estimator: str = "ls"
    receiver: str = "lmmse"
    waveform: str = "cp-ofdm"
    normalise: bool = False
    samples: bool = False
    synchroniser: str = "none"
    scattering: tuple[str, str, bool | None] | None = None
    table_interpolation: str = "linear"
    shadowing: bool = False
    harq: HarqStructure | None = None
    limited_buffer: LimitedBuffer | None = None
    fading_parameters: tuple[float | None, ...] = ()
    allocation: Allocation = WHOLE_SLOT
    antennas: Antennas = SINGLE
    panels: tuple[PanelElements, PanelElements, float] | None = None
    """Elements of terminal and satellite, and Faraday rotation in radians, of clusters and rays."""
    terminal_antenna: tuple[str, float] | None = None
    """Antenna as JSON and carrier in hertz, where clusters and rays are weighed by its pattern."""
    payload: PayloadStructure | None = None
    feeder_noise: bool = False
    """Whether the noise of a feeder link is sent on with the signal."""
    squint: bool = False
    """Whether the gain of the antennas differs from subcarrier to subcarrier, so that ``squint`` of the values does."""
    time_degree: int = 2
    """Of the polynomials by which gains move between samples, see `ntn6g.channel.time_domain.TimeDomainChannel`."""

    @property
    def channel_key(self) -> str:
        """What shapes the fading draw, and nothing else: links that differ elsewhere meet the same channel."""
        return f"{self.fading}|{self.profile}|{self.antennas.label}"

    @property
    def label(self) -> str:
        """Every field, for manifests."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    @cached_property
    def grid(self) -> SlotGrid:
        """The slot."""
        return SlotGrid(
            resource_blocks=self.resource_blocks,
            subcarrier_spacing_hz=self.subcarrier_spacing_hz,
            dmrs_additional_positions=self.dmrs_additional_positions,
            dmrs_cdm_groups_without_data=self.dmrs_cdm_groups_without_data,
            pilots=self.pilots,
            layers=self.antennas.layers,
            **self.allocation.of_grid,
        )

    @cached_property
    def coding(self) -> Mcs | None:
        """The row of the MCS table; None when uncoded."""
        return None if self.mcs is None else mcs(self.mcs_table, self.mcs)

    @property
    def air(self) -> SubcarrierPath | SamplePath | SynchronisedPath:
        """How the channel acts."""
        if self.synchroniser != "none":
            prefixes, pilots = (self.synchroniser in (name, "both") for name in ("cyclic-prefix", "dm-rs"))
            return SynchronisedPath(
                self.grid, normalise=self.normalise, prefixes=prefixes, pilots=pilots, degree=self.time_degree
            )
        if self.samples:
            return SamplePath(self.grid, normalise=self.normalise, degree=self.time_degree)
        return SubcarrierPath(self.grid, frequency_offset=self.frequency_offset, normalise=self.normalise)

    @property
    def modulation_name(self) -> str:
        """Constellation of the data elements."""
        return self.modulation or MODULATION_OF_ORDER[self.coding.modulation_order]  # type: ignore[union-attr]

    @cached_property
    def block_bits(self) -> int:
        """Transport-block bits; all bits of the grid when uncoded."""
        if self.coding is None:
            return self.antennas.layers * self.grid.data_elements * BITS_PER_SYMBOL[self.modulation_name]
        elements = resource_elements(
            resource_blocks=self.resource_blocks,
            symbols=self.allocation.symbols,
            dmrs_per_block=self.grid.reserved_per_block,
        )
        return transport_block_bits(
            resource_elements=elements,
            modulation_order=self.coding.modulation_order,
            code_rate=self.coding.code_rate,
            layers=self.antennas.layers,
        )

    @property
    def channel_profile(self) -> Profile | None:
        """Tapped delay line of the fading; None where it has none."""
        return fading_profile(self.fading, self.profile)

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth, 12 x resource blocks x subcarrier spacing."""
        return self.grid.subcarriers * self.subcarrier_spacing_hz


@lru_cache(maxsize=128)
def make_chain(structure: LinkStructure) -> LinkChain | HarqChain:
    """Build the link of a structure.

    Raises
    ------
    ScenarioError
        For an MCS outside its table or a code that the decoder refuses.
    """
    grid, coding, harq = structure.grid, structure.coding, structure.harq
    code = scrambling = None
    if coding is not None:
        code = TransportCode(
            block_bits=structure.block_bits,
            coded_bits=structure.antennas.layers * grid.data_elements * coding.modulation_order,
            modulation_order=coding.modulation_order,
            code_rate=coding.code_rate,
            decoder=structure.decoder,
            iterations=structure.decoder_iterations,
            versions=harq.versions if harq else (0,),
            limited_buffer=structure.limited_buffer,
            layers=structure.antennas.layers,
        )
        scrambling = scrambling_sequence(
            code.coded_bits, rnti=structure.allocation.rnti, scrambling_id=structure.allocation.cell_id
        )
    waveform = WAVEFORMS[structure.waveform](grid)
    modulation = Modulation(structure.modulation_name, scrambling=scrambling)
    several: dict[str, Any] = {"payload": on_board(structure.payload, grid, feeder=structure.feeder_noise)}
    if structure.antennas != SINGLE:
        several = {"antennas": structure.antennas, "despread": structure.estimator == "ls-cdm"}
    chain = (LinkChain if structure.antennas == SINGLE else LayeredChain)(
        grid=grid,
        modulation=modulation,
        code=code,
        fading=make_fading(structure),
        perfect_csi=structure.perfect_csi,
        air=structure.air,
        reception=Reception(
            waveform=waveform,
            detector=_detector(structure, waveform, modulation),
            estimator=_estimator(structure),
            despread=structure.estimator == "ls-cdm",
        ),
        **several,
    )
    if harq is None or code is None:
        return chain
    return HarqChain(
        chain, code, versions=len(harq.versions), most=harq.max_transmissions, repetitions=harq.repetitions
    )


def _detector(structure: LinkStructure, waveform: Waveform, modulation: Modulation) -> Detector:
    grid, air = structure.grid, structure.air
    if structure.receiver == "message-passing":
        return MessagePassing(grid, waveform, modulation)
    if structure.receiver == "banded-mmse":
        early = air.advance_s * grid.subcarrier_spacing_hz if isinstance(air, SamplePath) else 0.0
        return BandedMmse(grid, waveform, width=2, early=early)
    return OneTap(grid, waveform)


def _estimator(structure: LinkStructure) -> LmmseEstimator | None:
    if structure.perfect_csi or not structure.estimator.startswith("lmmse"):
        return None
    true, profile = structure.estimator == "lmmse-true", structure.channel_profile
    if true and structure.fading == "ntn-rays":
        raise ScenarioError(
            "lmmse-true needs a profile of delays, and ntn-rays draws its own; take lmmse", key="link.estimator"
        )
    return LmmseEstimator(structure.grid, true_covariance=true, profile=profile)


def batch_rows(structure: LinkStructure) -> int:
    """Blocks of one batch, a multiple of 64: as many as an estimate of memory allows, 64 to 256."""
    coded_bits = structure.grid.data_elements * BITS_PER_SYMBOL[structure.modulation_name]
    if structure.harq is not None:
        coded_bits *= len(set(structure.harq.versions))  # soft values of all of them are kept
    coded_bits *= structure.antennas.layers
    pairs = structure.antennas.transmit * structure.antennas.receive  # grids of that many channels live at once
    per_block = _BYTES_PER_ELEMENT * pairs * structure.grid.elements + _BYTES_PER_CODED_BIT * coded_bits
    return min(max(_BATCH_BYTES // per_block // 64 * 64, _FEWEST_ROWS), _MOST_ROWS)


@dataclass(frozen=True)
class LinkWork:
    """What a step needs of a point: what its draws are keyed by, and what each field of `LinkValues` holds a block."""

    channel_key: str
    values: Mapping[str, Any]
    seed: int


class LinkStep(CompiledStep):
    """Computes chunks of a link, ``rows`` blocks a call, with one compilation.

    Parameters
    ----------
    chain : LinkChain, HarqChain or CodewordChain
        The link.
    rows : int
        Blocks of a batch, a multiple of 32.
    """

    def __init__(self, chain: LinkChain | HarqChain | CodewordChain, *, rows: int) -> None:
        self.chain = chain
        super().__init__(rows=rows)

    def arguments(self, work: Sequence[tuple[LinkWork, int]]) -> tuple[tf.Tensor, LinkValues]:
        """Chunk keys uint32 [chunks, 2] and values [rows] of a batch."""
        columns = {
            name: np.repeat(np.array([point.values[name] for point, _ in work], dtype), BLOCKS_PER_CHUNK, axis=0)
            for name, dtype in self.chain.values_type.DTYPES.items()
        }
        values = {name: tf.constant(column) for name, column in columns.items()}
        return chunk_keys(work), self.chain.values_type(**values)

    def _sums(self, keys: tf.Tensor, values: LinkValues) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        outcome = self.chain(random.block_keys(keys, BLOCKS_PER_CHUNK), values)

        countable = outcome.counts()
        counts = {name: total(column) for name, column in countable.items()}
        for name in ("bit_errors", "uncoded_bit_errors"):
            counts[f"{name}_squared"] = total(tf.square(tf.cast(countable[name], tf.int64)))
        sums = {"sinr": total(outcome.sinr, tf.float64)}
        left = getattr(outcome, "left", None)
        if left is not None and isinstance(self.chain, LinkChain):
            found = of_blocks(left, self.chain.grid.subcarrier_spacing_hz)
            counts |= {name: total(each) for name, each in found[0].items()}
            sums |= {name: total(each, tf.float64) for name, each in found[1].items()}
        return counts, sums


def link_step(structure: LinkStructure, *, rows: int) -> LinkStep:
    """Step of a structure, built wherever it is to run."""
    return LinkStep(make_chain(structure), rows=rows)
