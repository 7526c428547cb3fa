"""What a waveform is here, and the one that spreads nothing."""

import math
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.grid import SlotGrid


class Waveform(Protocol):
    """A unitary map from data symbols to the data elements of a slot.

    ``block_elements`` symbols share one set of as many elements, each spread evenly over it: 1, a symbol's subcarriers
    or the whole slot.
    """

    block_elements: int

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """Data symbols, complex64 or complex128 [B, data_elements], to data elements of the same shape."""
        ...

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """The inverse of `spread`."""
        ...


class CpOfdm:
    """Every symbol on an element of its own.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    """

    block_elements = 1

    def __init__(self, grid: SlotGrid) -> None:
        self._grid = grid

    def spread(self, symbols: tf.Tensor) -> tf.Tensor:
        """As `Waveform.spread`."""
        return symbols

    def despread(self, elements: tf.Tensor) -> tf.Tensor:
        """As `Waveform.despread`."""
        return elements


def data_symbols(grid: SlotGrid) -> int:
    """Number of OFDM symbols that carry data.

    Raises
    ------
    ScenarioError
        Where one carries something else as well: symbols can then not be spread over all its subcarriers.
    """
    share = np.bincount(grid.data_index // grid.subcarriers, minlength=1)
    if len(grid.ptrs_symbols):
        raise ScenarioError("it lies between data that this waveform spreads; leave it out", key="link.ptrs")
    if np.any((share > 0) & (share < grid.subcarriers)):
        groups = 2 if grid.dmrs_type == 1 else 3
        raise ScenarioError(
            f"{grid.dmrs_cdm_groups_without_data} leaves data beside the DM-RS, which this waveform cannot spread over "
            f"whole symbols; set it to {groups}",
            key="link.dmrs_cdm_groups_without_data",
        )
    return int(np.count_nonzero(share))


def rescaled(values: tf.Tensor, factor: float) -> tf.Tensor:
    """Complex values times a real constant, in their own precision."""
    return values * tf.constant(factor, values.dtype)


def unit(cycles: NDArray[np.float64], dtype: tf.DType) -> tf.Tensor:
    """Phasors exp(j 2 pi x) of a constant array."""
    return tf.constant(np.exp(2j * math.pi * (cycles - np.round(cycles))), dtype)
