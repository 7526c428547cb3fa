"""One NR slot as a grid of resource elements: where data and demodulation reference signals lie, and when."""

import functools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sionna.phy.nr import CarrierConfig, PUSCHConfig, PUSCHPilotPattern

SYMBOLS_PER_SLOT = 14  # normal cyclic prefix, TS 38.211 V18.4.0 table 4.3.2-1
SUBCARRIERS_PER_BLOCK = 12  # TS 38.211 4.4.4.1
_CP_SAMPLES, _LONG_CP_EXTRA, _USEFUL_SAMPLES = 144, 16, 2048  # TS 38.211 5.3.1, in units of 64 kappa 2^-mu


@dataclass(frozen=True, kw_only=True)
class SlotGrid:
    """Resource grid of one slot with normal cyclic prefix, one layer, all resource blocks allocated.

    The demodulation reference signals (DM-RS) are those of TS 38.211 6.4.1.1.3: mapping type A, configuration
    type 1, port 0. With one CDM group without data every second subcarrier of a DM-RS symbol carries data; with
    two it stays empty and the DM-RS is 3 dB stronger (TS 38.214 V18.7.0 table 4.1-1), so the mean energy over all
    elements is one in both. The Gold sequence comes from Sionna.

    Parameters
    ----------
    resource_blocks : int
        Allocated resource blocks, 1 to 275.
    subcarrier_spacing_hz : float
        15e3 times a power of two, up to 240e3.
    dmrs_additional_positions : int
        0 to 3; 1 puts DM-RS in symbols 2 and 11.
    dmrs_cdm_groups_without_data : int
        1 or 2.
    pilots : bool
        False leaves the DM-RS out, and the whole grid carries data (for comparisons with perfect channel
        knowledge).
    """

    resource_blocks: int
    subcarrier_spacing_hz: float
    dmrs_additional_positions: int = 1
    dmrs_cdm_groups_without_data: int = 1
    pilots: bool = True

    @property
    def subcarriers(self) -> int:
        """Number of occupied subcarriers."""
        return SUBCARRIERS_PER_BLOCK * self.resource_blocks

    @property
    def elements(self) -> int:
        """Resource elements of the slot, DM-RS included."""
        return SYMBOLS_PER_SLOT * self.subcarriers

    @functools.cached_property
    def _reserved(self) -> tuple[NDArray[np.bool_], NDArray[np.complex64]]:
        """Elements without data [14, subcarriers] and what they carry, zero or a reference value, in that order."""
        if not self.pilots:
            return np.zeros([SYMBOLS_PER_SLOT, self.subcarriers], bool), np.zeros([0], np.complex64)
        # The DM-RS sequence does not depend on the spacing, and Sionna knows no 240 kHz
        config = PUSCHConfig(carrier_config=CarrierConfig(n_size_grid=self.resource_blocks, subcarrier_spacing=15))
        config.mapping_type = "A"
        config.symbol_allocation = [0, SYMBOLS_PER_SLOT]
        config.dmrs.config_type = 1
        config.dmrs.additional_position = self.dmrs_additional_positions
        config.dmrs.num_cdm_groups_without_data = self.dmrs_cdm_groups_without_data
        pattern = PUSCHPilotPattern(config, precision="single")
        return np.array(pattern.mask)[0, 0].astype(bool), np.array(pattern.pilots)[0, 0]

    @functools.cached_property
    def _dmrs(self) -> tuple[NDArray[np.bool_], NDArray[np.complex64]]:
        """Elements that carry DM-RS [14, subcarriers] and their values."""
        reserved, values = self._reserved
        mask = np.zeros_like(reserved)
        mask[reserved] = values != 0
        return mask, values[values != 0]

    @functools.cached_property
    def dmrs_symbols(self) -> NDArray[np.int64]:
        """Indices of the symbols that carry DM-RS, [dmrs_symbols]."""
        return np.flatnonzero(self._dmrs[0].any(axis=1))

    @functools.cached_property
    def dmrs_subcarriers(self) -> NDArray[np.int64]:
        """Indices of the subcarriers that carry DM-RS in those symbols, [dmrs_subcarriers]."""
        return np.flatnonzero(self._dmrs[0].any(axis=0))

    @property
    def dmrs_values(self) -> NDArray[np.complex64]:
        """Transmitted reference values, [dmrs_symbols, dmrs_subcarriers], of modulus 1, or sqrt(2) when boosted."""
        return self._dmrs[1].reshape(len(self.dmrs_symbols), len(self.dmrs_subcarriers))

    @functools.cached_property
    def data_index(self) -> NDArray[np.int64]:
        """Flat positions (symbol * subcarriers + subcarrier) of data, frequency first (TS 38.211 7.3.1.5)."""
        return np.flatnonzero(~self._reserved[0])

    @property
    def data_elements(self) -> int:
        """Number of resource elements that carry data."""
        return len(self.data_index)

    @functools.cached_property
    def dmrs_index(self) -> NDArray[np.int64]:
        """Flat positions of the DM-RS, symbol by symbol."""
        return np.flatnonzero(self._dmrs[0])

    @property
    def reserved_per_block(self) -> int:
        """Elements of a resource block that carry no data, DM-RS and what is left empty beside it."""
        return int(self._reserved[0].sum()) // self.resource_blocks

    @property
    def slot_duration_s(self) -> float:
        """Mean duration of a slot: 1 ms over 2^mu."""
        return 15.0 / self.subcarrier_spacing_hz

    @property
    def cyclic_prefix_s(self) -> float:
        """Cyclic prefix of all symbols but the first of each half subframe (TS 38.211 5.3.1)."""
        return _CP_SAMPLES / (_USEFUL_SAMPLES * self.subcarrier_spacing_hz)

    @property
    def symbol_times_s(self) -> NDArray[np.float64]:
        """Middle of the useful part of each symbol, from the start of the first slot of a subframe, [14].

        The first symbol of each half subframe has a longer prefix by 16 kappa (TS 38.211 5.3.1): symbol 0 of this
        slot, and symbol 7 too at 15 kHz.
        """
        long_extra = _LONG_CP_EXTRA * self.subcarrier_spacing_hz / 15e3  # grows with mu on this sample clock
        prefixes = np.full(SYMBOLS_PER_SLOT, float(_CP_SAMPLES))
        prefixes[0] += long_extra
        if self.subcarrier_spacing_hz == 15e3:
            prefixes[7] += long_extra
        starts = np.cumsum(prefixes) + _USEFUL_SAMPLES * np.arange(SYMBOLS_PER_SLOT)
        return np.asarray((starts + _USEFUL_SAMPLES / 2) / (_USEFUL_SAMPLES * self.subcarrier_spacing_hz))

    @property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Subcarrier frequencies about the carrier, [subcarriers]."""
        return np.asarray((np.arange(self.subcarriers) - self.subcarriers // 2) * self.subcarrier_spacing_hz)

    def fill(self, data: tf.Tensor) -> tf.Tensor:
        """Place data symbols around the DM-RS: complex64 [B, data_elements] to [B, 14, subcarriers]."""
        batch = data.shape[0]
        if not self.pilots:
            return tf.reshape(data, [batch, SYMBOLS_PER_SLOT, self.subcarriers])
        reserved, values = self._reserved
        reference = tf.tile(tf.constant(values.reshape(1, -1)), [batch, 1])
        order = np.empty(self.elements, np.int32)  # where each grid position finds its value
        order[self.data_index] = np.arange(self.data_elements)
        order[np.flatnonzero(reserved)] = self.data_elements + np.arange(len(values))
        flat = tf.gather(tf.concat([data, reference], axis=1), order, axis=1)
        return tf.reshape(flat, [batch, SYMBOLS_PER_SLOT, self.subcarriers])

    def data_of(self, grid: tf.Tensor) -> tf.Tensor:
        """Data positions of a grid: [B, 14, subcarriers] of any dtype to [B, data_elements]."""
        flat = tf.reshape(grid, [grid.shape[0], self.elements])
        return flat if not self.pilots else tf.gather(flat, self.data_index.astype(np.int32), axis=1)

    def dmrs_of(self, grid: tf.Tensor) -> tf.Tensor:
        """DM-RS positions of a grid: [B, 14, subcarriers] to [B, dmrs_symbols, dmrs_subcarriers]."""
        symbols = tf.gather(grid, self.dmrs_symbols.astype(np.int32), axis=1)
        return tf.gather(symbols, self.dmrs_subcarriers.astype(np.int32), axis=2)
