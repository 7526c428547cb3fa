"""One NR slot as a grid of resource elements: where data and demodulation reference signals lie, and when."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.physical_channel.dmrs import Dmrs, dmrs_symbols
from ntn6g.phy.physical_channel.ptrs import Ptrs

SYMBOLS_PER_SLOT = 14  # normal cyclic prefix, TS 38.211 V18.4.0 table 4.3.2-1
SUBCARRIERS_PER_BLOCK = 12  # TS 38.211 4.4.4.1
CP_SAMPLES, LONG_CP_EXTRA, USEFUL_SAMPLES = 144, 16, 2048  # TS 38.211 5.3.1, in units of 64 kappa 2^-mu


@dataclass(frozen=True, kw_only=True)
class SlotGrid:
    """Resource grid of one PDSCH or PUSCH in a slot with normal cyclic prefix; all resource blocks are allocated.

    Layer v uses the v-th of the DM-RS ports, port v unless given. With fewer CDM groups without data than there
    are, the other subcarriers of a DM-RS symbol carry data; a group without data stays empty and the DM-RS takes its
    power (TS 38.214 V18.7.0 table 4.1-1), so the mean energy over all allocated elements of a layer is one either way.

    Parameters
    ----------
    resource_blocks : int
        Allocated resource blocks, 1 to 275.
    subcarrier_spacing_hz : float
        15e3 times a power of two, up to 240e3.
    dmrs_additional_positions : int
        0 to 3; 1 puts DM-RS in symbols 2 and 11 of a whole slot of mapping type A.
    dmrs_cdm_groups_without_data : int
        1 or 2; 3 with DM-RS type 2.
    pilots : bool
        False leaves the DM-RS out, and the whole allocation carries data (for comparisons with perfect channel
        knowledge).
    direction : str
        "downlink" (PDSCH) or "uplink" (PUSCH).
    mapping_type : str
        "A" or "B", see `dmrs_symbols`.
    first_symbol, symbols : int
        Allocation in time; elements outside it stay empty.
    dmrs_type, dmrs_type_a_position : int
        Configuration type 1 or 2; symbol 2 or 3 of the first DM-RS of mapping type A.
    dmrs_length : int
        Symbols of each DM-RS, 1 or 2.
    dmrs_ports : tuple of int or None
        DM-RS port of each layer, rising; the first ones unless given.
    layers : int
        1 to 4.
    cell_id, slot_number : int
        N_ID and n_s,f of the reference sequences.
    ptrs : Ptrs or None
        Phase-tracking reference signal on the first layer's port; other layers are silent on its elements.

    Raises
    ------
    ScenarioError
        For an allocation or a number of layers that the standard has no DM-RS for.
    """

    resource_blocks: int
    subcarrier_spacing_hz: float
    dmrs_additional_positions: int = 1
    dmrs_cdm_groups_without_data: int = 1
    pilots: bool = True
    direction: str = "downlink"
    mapping_type: str = "A"
    first_symbol: int = 0
    symbols: int = SYMBOLS_PER_SLOT
    dmrs_type: int = 1
    dmrs_type_a_position: int = 2
    dmrs_length: int = 1
    dmrs_ports: tuple[int, ...] | None = None
    layers: int = 1
    cell_id: int = 1
    slot_number: int = 0
    ptrs: Ptrs | None = None

    def __post_init__(self) -> None:
        if len(self.ports) != self.layers:
            raise ScenarioError(
                f"{len(self.ports)} ports for {self.layers} layers; each layer has one", key="link.dmrs_ports"
            )
        if self.pilots:
            self._dmrs.check(self.ports)
            _ = self.dmrs_symbols  # refuses here what the tables do not hold
        if self.ptrs is not None:
            self.ptrs.check(self.ports, configuration_type=self.dmrs_type)

    @property
    def ports(self) -> tuple[int, ...]:
        """DM-RS port of each layer."""
        return tuple(range(self.layers)) if self.dmrs_ports is None else self.dmrs_ports

    @property
    def subcarriers(self) -> int:
        """Number of occupied subcarriers."""
        return SUBCARRIERS_PER_BLOCK * self.resource_blocks

    @property
    def elements(self) -> int:
        """Resource elements of the slot, allocated or not."""
        return SYMBOLS_PER_SLOT * self.subcarriers

    @property
    def allocated_elements(self) -> int:
        """Resource elements of the allocation, reference signals included."""
        return self.symbols * self.subcarriers

    @property
    def _dmrs(self) -> Dmrs:
        return Dmrs(
            configuration_type=self.dmrs_type,
            cdm_groups_without_data=self.dmrs_cdm_groups_without_data,
            cell_id=self.cell_id,
            slot_number=self.slot_number,
            length=self.dmrs_length,
        )

    @functools.cached_property
    def dmrs_symbols(self) -> NDArray[np.int64]:
        """Indices of the symbols that carry DM-RS, [dmrs_symbols]."""
        if not self.pilots:
            return np.zeros(0, np.int64)
        found = dmrs_symbols(
            direction=self.direction,
            mapping_type=self.mapping_type,
            first_symbol=self.first_symbol,
            symbols=self.symbols,
            type_a_position=self.dmrs_type_a_position,
            additional_positions=self.dmrs_additional_positions,
            length=self.dmrs_length,
        )
        return np.array(found, np.int64)

    @property
    def dmrs_centres(self) -> NDArray[np.float64]:
        """Middle of each DM-RS in symbols: the symbol itself, or half a symbol behind the first of two."""
        return self.dmrs_symbols.reshape(-1, self.dmrs_length).mean(axis=1)

    def port_subcarriers(self, port: int) -> NDArray[np.int64]:
        """Indices of the subcarriers that carry the DM-RS of a port, [dmrs_subcarriers]."""
        return self._dmrs.subcarriers(port, self.subcarriers)

    def port_values(self, port: int) -> NDArray[np.complex64]:
        """Reference values of a port, [dmrs_symbols, dmrs_subcarriers], of modulus `Dmrs.boost`."""
        return np.array(
            [
                self._dmrs.values(port, int(symbol), self.subcarriers, number % self.dmrs_length)
                for number, symbol in enumerate(self.dmrs_symbols)
            ]
        )

    @property
    def dmrs_subcarriers(self) -> NDArray[np.int64]:
        """`port_subcarriers` of the first layer."""
        return self.port_subcarriers(self.ports[0])

    @property
    def dmrs_values(self) -> NDArray[np.complex64]:
        """`port_values` of the first layer."""
        return self.port_values(self.ports[0])

    @functools.cached_property
    def ptrs_symbols(self) -> NDArray[np.int64]:
        """Indices of the symbols that carry PT-RS, [ptrs_symbols]; empty without."""
        if self.ptrs is None or not self.pilots:
            return np.zeros(0, np.int64)
        return np.array(self.ptrs.symbols(self.first_symbol, self.symbols, list(self.dmrs_symbols)), np.int64)

    @functools.cached_property
    def ptrs_subcarriers(self) -> NDArray[np.int64]:
        """Indices of the subcarriers that carry PT-RS in those symbols, [ptrs_subcarriers]; empty without."""
        if self.ptrs is None or not self.pilots:
            return np.zeros(0, np.int64)
        return self.ptrs.subcarriers(self.resource_blocks, configuration_type=self.dmrs_type, port=self.ports[0])

    @functools.cached_property
    def ptrs_values(self) -> NDArray[np.complex64]:
        """Transmitted values [ptrs_subcarriers]: those of the first DM-RS, with the power of the silent layers.

        TS 38.214 V18.7.0 table 4.1-2, epre-Ratio 0: a PT-RS element has the energy of all layers of a data element.
        """
        if not len(self.ptrs_symbols):
            return np.zeros(0, np.complex64)
        known = self.dmrs_subcarriers
        sequence = self._dmrs.sequence(int(self.dmrs_symbols[0]), len(known))
        return np.asarray(math.sqrt(self.layers) * sequence[np.searchsorted(known, self.ptrs_subcarriers)])

    @functools.cached_property
    def _without_data(self) -> NDArray[np.bool_]:
        """Elements [14, subcarriers] of the allocation and beyond that hold no data because of the DM-RS or its end."""
        empty = np.ones([SYMBOLS_PER_SLOT, self.subcarriers], bool)
        empty[self.first_symbol : self.first_symbol + self.symbols] = False
        empty[self.dmrs_symbols] |= self._dmrs.reserved(self.subcarriers)
        return empty

    @functools.cached_property
    def reference(self) -> NDArray[np.complex64]:
        """What is sent beside the data, [layers, 14, subcarriers], zero elsewhere."""
        sent = np.zeros([self.layers, SYMBOLS_PER_SLOT, self.subcarriers], np.complex64)
        if self.pilots:
            for layer, port in enumerate(self.ports):
                sent[layer][np.ix_(self.dmrs_symbols, self.port_subcarriers(port))] = self.port_values(port)
        if len(self.ptrs_symbols):
            sent[0][np.ix_(self.ptrs_symbols, self.ptrs_subcarriers)] = self.ptrs_values
        return sent

    @functools.cached_property
    def data_index(self) -> NDArray[np.int64]:
        """Flat positions (symbol * subcarriers + subcarrier) of data, frequency first (TS 38.211 7.3.1.5, 6.3.1.6)."""
        empty = self._without_data.copy()
        empty[np.ix_(self.ptrs_symbols, self.ptrs_subcarriers)] = True
        return np.flatnonzero(~empty)

    @property
    def data_elements(self) -> int:
        """Number of resource elements of a layer that carry data."""
        return len(self.data_index)

    @property
    def reserved_per_block(self) -> int:
        """Elements of an allocated resource block without data because of the DM-RS: N_DMRS of TS 38.214 5.1.3.2."""
        reserved = self._dmrs.reserved(self.subcarriers).sum() if self.pilots else 0
        return int(reserved) * len(self.dmrs_symbols) // self.resource_blocks

    @property
    def slot_duration_s(self) -> float:
        """Mean duration of a slot: 1 ms over 2^mu."""
        return 15.0 / self.subcarrier_spacing_hz

    @property
    def cyclic_prefix_s(self) -> float:
        """Cyclic prefix of all symbols but the first of each half subframe (TS 38.211 5.3.1)."""
        return CP_SAMPLES / (USEFUL_SAMPLES * self.subcarrier_spacing_hz)

    @property
    def symbol_times_s(self) -> NDArray[np.float64]:
        """Middle of the useful part of each symbol, from the start of the first slot of a subframe, [14].

        The first symbol of each half subframe has a longer prefix by 16 kappa (TS 38.211 5.3.1): symbol 0 of this
        slot, and symbol 7 too at 15 kHz.
        """
        long_extra = LONG_CP_EXTRA * self.subcarrier_spacing_hz / 15e3  # grows with mu on this sample clock
        prefixes = np.full(SYMBOLS_PER_SLOT, float(CP_SAMPLES))
        prefixes[0] += long_extra
        if self.subcarrier_spacing_hz == 15e3:
            prefixes[7] += long_extra
        starts = np.cumsum(prefixes) + USEFUL_SAMPLES * np.arange(SYMBOLS_PER_SLOT)
        return np.asarray((starts + USEFUL_SAMPLES / 2) / (USEFUL_SAMPLES * self.subcarrier_spacing_hz))

    @property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Subcarrier frequencies about the carrier, [subcarriers]."""
        return np.asarray((np.arange(self.subcarriers) - self.subcarriers // 2) * self.subcarrier_spacing_hz)

    def fill(self, data: tf.Tensor, layer: int = 0) -> tf.Tensor:
        """Place data around a layer's reference signals: complex [B, data_elements] to [B, 14, subcarriers]."""
        batch = data.shape[0]
        if self.data_elements == self.elements:
            return tf.reshape(data, [batch, SYMBOLS_PER_SLOT, self.subcarriers])
        reference = self.reference[layer].reshape(-1)
        others = np.flatnonzero(np.isin(np.arange(self.elements), self.data_index, invert=True))
        order = np.empty(self.elements, np.int32)  # where each grid position finds its value
        order[self.data_index] = np.arange(self.data_elements)
        order[others] = self.data_elements + np.arange(len(others))
        beside = tf.tile(tf.constant(reference[others].reshape(1, -1), data.dtype), [batch, 1])
        flat = tf.gather(tf.concat([data, beside], axis=1), order, axis=1)
        return tf.reshape(flat, [batch, SYMBOLS_PER_SLOT, self.subcarriers])

    def data_of(self, grid: tf.Tensor) -> tf.Tensor:
        """Data positions of a grid: [B, 14, subcarriers] of any dtype to [B, data_elements]."""
        flat = tf.reshape(grid, [grid.shape[0], self.elements])
        whole = self.data_elements == self.elements
        return flat if whole else tf.gather(flat, self.data_index.astype(np.int32), axis=1)

    def dmrs_of(self, grid: tf.Tensor, port: int) -> tf.Tensor:
        """DM-RS positions of a port in a grid: [B, 14, subcarriers] to [B, dmrs_symbols, dmrs_subcarriers]."""
        symbols = tf.gather(grid, self.dmrs_symbols.astype(np.int32), axis=1)
        return tf.gather(symbols, self.port_subcarriers(port).astype(np.int32), axis=2)
