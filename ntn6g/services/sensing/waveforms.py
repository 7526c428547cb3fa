r"""Waveforms as unitary transforms of the data before they are laid on subcarriers and symbols.

What a receiver of echoes correlates with is always the grid of subcarriers and symbols that was sent; the waveform
decides which grid that is. With a cyclic prefix per symbol, correlating an OTFS or AFDM frame over delay and Doppler is
the matched channel estimate of that grid followed by the map, so that one chain serves all. Data of constant modulus
on subcarriers have the lowest mean sidelobes (F. Liu et al., arXiv:2407.06691).
"""

import numpy as np
import tensorflow as tf

WAVEFORMS = ("ofdm", "dft-s-ofdm", "otfs", "afdm")


def spread(symbols: tf.Tensor, kind: str, *, chirp: int = 1) -> tf.Tensor:
    r"""Grid of subcarriers and symbols of data.

    ``ofdm`` leaves them; ``dft-s-ofdm`` transforms every symbol over its subcarriers; ``otfs`` is the inverse
    symplectic transform :math:`X_{m,n} = \frac{1}{\sqrt{MN}} \sum_{k,l} x_{k,l} e^{2\pi j (mk/M - nl/N)}` (R. Hadani
    et al., "Orthogonal time frequency space modulation", IEEE WCNC 2017); ``afdm`` is per symbol the spectrum of
    :math:`s_t = e^{2\pi j c_1 t^2} \frac{1}{\sqrt{N}} \sum_k x_k e^{2\pi j t k / N}` with
    :math:`c_1 = \mathrm{chirp}/(2N)` and :math:`c_2 = 0` (A. Bemani, N. Ksairi and M. Kountouris, "Affine frequency
    division multiplexing for next generation wireless communications", IEEE Trans. Wireless Commun. 22(11), 2023).

    Parameters
    ----------
    symbols : complex64 [batch, symbol, subcarrier]
        Constellation points.
    kind : str
        One of ``WAVEFORMS``.
    chirp : int
        Of AFDM, 2 N c1.

    Raises
    ------
    ValueError
        For an unknown waveform; for AFDM on an odd number of subcarriers, where the chirp of an odd ``chirp`` is not
        periodic and a cyclic prefix does not serve.
    """
    if kind not in WAVEFORMS:
        raise ValueError(f"{kind!r} is none of {', '.join(WAVEFORMS)}")
    count = symbols.shape[-1]
    root = 1.0 / np.sqrt(count)
    if kind == "dft-s-ofdm":
        return tf.signal.fft(symbols) * root
    if kind == "otfs":
        rows = symbols.shape[-2]
        over_n = tf.signal.fft(symbols) * root
        turned = tf.signal.ifft(tf.transpose(over_n, [0, 2, 1])) * np.sqrt(rows)
        return tf.transpose(turned, [0, 2, 1])
    if kind == "afdm":
        if count % 2 and chirp % 2:
            raise ValueError(f"afdm with chirp {chirp} needs an even number of subcarriers, not {count}")
        t = np.arange(count)
        turn = np.exp(2j * np.pi * ((chirp * t * t) % (2 * count)) / (2 * count))
        return tf.signal.fft(tf.signal.ifft(symbols) * tf.constant(turn, tf.complex64))
    return symbols
