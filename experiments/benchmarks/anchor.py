"""The anchor link on both sides: TDL-D at 30 ns, 20 GHz, 120 kHz, 25 resource blocks, MCS 14, transport block 7808."""

import numpy as np
import tensorflow as tf
from sionna.phy.channel import OFDMChannel
from sionna.phy.channel.tr38901 import TDL
from sionna.phy.nr import CarrierConfig, PUSCHConfig, PUSCHReceiver, PUSCHTransmitter

ROWS, BLOCK_BITS = 128, 7808
ELEMENTS = 14 * 300
SCENARIO = {
    "schema": 1,
    "study": "link",
    "name": "anchor",
    "seed": 1,
    "terminals": {"ue": {"latitude_deg": 0, "longitude_deg": 0, "speed_kmh": 3.6}},
    "channel": {"carrier_ghz": 20, "fading": {"kind": "tdl", "profile": "D", "delay_spread_ns": 30}, "normalise": True},
    "link": {
        "direction": "uplink",
        "subcarrier_khz": 120,
        "resource_blocks": 25,
        "mcs": 14,
        "mcs_table": 1,
        "estimator": "ls-cdm",
        "dmrs_additional_positions": 1,
        "dmrs_cdm_groups_without_data": 2,
    },
    "power": {"ebno_db": 6},
    "stop": {"block_errors": 200, "max_blocks": 5120},
    "engine": {"batch": ROWS},
}
"""Our side; both have the terminal at 1 m/s, estimate the channel by least squares and equalise by LMMSE."""


def esno_db(ebno_db: float) -> float:
    """Es/N0 per resource element of an Eb/N0 per transport-block bit, energy over all elements of the slot."""
    return ebno_db + 10.0 * np.log10(BLOCK_BITS / ELEMENTS)


class SionnaLink:
    """The peer: Sionna's PUSCH chain with its defaults, 20 iterations of boxplus-phi."""

    def __init__(self) -> None:
        config = PUSCHConfig(carrier_config=CarrierConfig(n_size_grid=25, subcarrier_spacing=120))
        config.tb.mcs_index, config.tb.mcs_table = 14, 1
        config.dmrs.additional_position = 1
        if config.tb_size != BLOCK_BITS:
            raise RuntimeError(f"Sionna's transport block has {config.tb_size} bits, not {BLOCK_BITS}")
        self._transmit = PUSCHTransmitter(config)
        self._receive = PUSCHReceiver(self._transmit)
        fading = TDL("D", 30e-9, 20e9, min_speed=1.0, max_speed=1.0)
        self._channel = OFDMChannel(fading, self._transmit.resource_grid, normalize_channel=True)

    def __call__(self, batch_size: int, noise_variance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Sent and decided bits [batch, 1, BLOCK_BITS]."""
        sent, bits = self._transmit(batch_size)
        received = self._channel(sent, noise_variance)
        return bits, self._receive(received, noise_variance)
