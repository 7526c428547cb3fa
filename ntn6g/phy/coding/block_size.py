"""Sizes: resource elements, transport block bits, CRC lengths, code blocks; integers and exact fractions."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files

from ntn6g.core.errors import ScenarioError

SMALL_BLOCK_LIMIT = 3824  # bits; TS 38.214 5.1.3.2 (table below, formula above) and TS 38.212 7.2.1 (CRC)
LARGEST_CODE_BLOCK = {1: 8448, 2: 3840}  # TS 38.212 V18 5.2.2, K_cb per base graph
CODE_BLOCK_CRC_BITS = 24
SYSTEMATIC_COLUMNS = {1: 22, 2: 10}  # TS 38.212 5.2.2, K = 22 Z or 10 Z
# TS 38.212 Table 5.3.2-1: lifting sizes a 2^j up to 384; the position of a is the set index i_LS
LIFTING_BASES = (2, 3, 5, 7, 9, 11, 13, 15)


@dataclass(frozen=True)
class Segmentation:
    """How a transport block is cut: TS 38.212 7.2.1 (CRC), 7.2.2 (base graph), 5.2.2 (code blocks).

    ``code_block_bits`` is K', with the code-block CRC and without filler bits.
    """

    base_graph: int
    transport_crc_bits: int
    code_blocks: int
    code_block_crc_bits: int
    code_block_bits: int


def resource_elements(
    *, resource_blocks: int, symbols: int, dmrs_per_block: int = 0, overhead_per_block: int = 0
) -> int:
    """Resource elements that count for the block size, N_RE = min(156, 12 N_symb - N_DMRS - N_oh) n_PRB.

    Parameters
    ----------
    resource_blocks, symbols
        Allocated physical resource blocks and OFDM symbols of the slot.
    dmrs_per_block, overhead_per_block
        DM-RS elements and configured overhead (xOverhead) per resource block.

    References
    ----------
    3GPP TS 38.214 V18.7.0, 5.1.3.2 step 1.
    """
    per_block = min(156, 12 * symbols - dmrs_per_block - overhead_per_block)
    if resource_blocks < 1 or per_block < 1:
        raise ScenarioError(
            f"{resource_blocks} blocks with {per_block} data elements each; both must be at least 1 "
            "(does the DM-RS fill the slot?)",
            key="link.resource_blocks",
        )
    return per_block * resource_blocks


@cache
def _small_block_sizes() -> tuple[int, ...]:
    lines = (files(__package__) / "small_block_sizes.csv").read_text(encoding="utf-8").splitlines()
    return tuple(int(size) for line in lines if not line.startswith("#") for size in line.split(","))


def transport_block_bits(*, resource_elements: int, modulation_order: int, code_rate: float, layers: int = 1) -> int:
    """Transport block size in bits, CRC excluded.

    N_info = N_RE R Q_m v is quantised to N'_info (a multiple of 2^n), then looked up in Table 5.1.3.2-1 up
    to 3824 or rounded so that the block splits into equal code blocks of whole bytes. Exact for every rate
    of the MCS tables; rounding to N'_info breaks ties upwards as the standard says (Sionna 1.2.2 rounds
    half to even).

    References
    ----------
    3GPP TS 38.214 V18.7.0, 5.1.3.2 steps 2 to 4.
    """
    rate = Fraction(code_rate)
    info = resource_elements * rate * modulation_order * layers
    if info <= SMALL_BLOCK_LIMIT:
        step = 2 ** max(3, _floor_log2(info) - 6)
        quantised = max(24, step * (info // step))
        return next(size for size in _small_block_sizes() if size >= quantised)
    step = 2 ** (_floor_log2(info - 24) - 5)
    quantised = max(3840, step * ((info - 24) / step + Fraction(1, 2)).__floor__())
    if rate <= Fraction(1, 4):
        code_blocks = -(-(quantised + 24) // 3816)
    else:
        code_blocks = -(-(quantised + 24) // 8424) if quantised > 8424 else 1
    return 8 * code_blocks * -(-(quantised + 24) // (8 * code_blocks)) - 24


def _floor_log2(value: Fraction) -> int:
    return value.__floor__().bit_length() - 1


def base_graph(block_bits: int, code_rate: float) -> int:
    """LDPC base graph, 1 or 2, of a block of ``block_bits`` (CRC excluded) at target rate ``code_rate``.

    References
    ----------
    3GPP TS 38.212 V18, 6.2.2 and 7.2.2.
    """
    small = block_bits <= 292 or (block_bits <= SMALL_BLOCK_LIMIT and code_rate <= 0.67) or code_rate <= 0.25
    return 2 if small else 1


def segment(block_bits: int, code_rate: float) -> Segmentation:
    """CRC lengths, base graph and code blocks of a transport block.

    Parameters
    ----------
    block_bits
        Transport block size A in bits; the sizes of :func:`transport_block_bits` always divide evenly.
    code_rate
        Target code rate R of the MCS row.

    Raises
    ------
    ScenarioError
        The block does not divide into equal code blocks.

    References
    ----------
    3GPP TS 38.212 V18, 5.2.2, 7.2.1, 7.2.2.
    """
    graph = base_graph(block_bits, code_rate)
    crc_bits = 24 if block_bits > SMALL_BLOCK_LIMIT else 16
    total = block_bits + crc_bits
    if total <= LARGEST_CODE_BLOCK[graph]:
        return Segmentation(graph, crc_bits, 1, 0, total)
    blocks = -(-total // (LARGEST_CODE_BLOCK[graph] - CODE_BLOCK_CRC_BITS))
    if total % blocks:
        raise ScenarioError(
            f"a transport block of {block_bits} bits does not divide into {blocks} equal code blocks; "
            "take a size of TS 38.214 5.1.3.2",
            key="link.mcs",
        )
    return Segmentation(graph, crc_bits, blocks, CODE_BLOCK_CRC_BITS, total // blocks + CODE_BLOCK_CRC_BITS)


def lifting_size(code_block_bits: int, graph: int) -> tuple[int, int]:
    """Lifting size Z_c and set index i_LS: the smallest Z with K_b Z >= K'.

    References
    ----------
    3GPP TS 38.212 V18, 5.2.2 (K_b) and Table 5.3.2-1 (sizes).
    """
    columns = 22
    if graph == 2:
        columns = next(kb for limit, kb in ((640, 10), (560, 9), (192, 8), (0, 6)) if code_block_bits > limit)
    sizes = ((base << j, i) for i, base in enumerate(LIFTING_BASES) for j in range(8) if base << j <= 384)
    return min((z, i) for z, i in sizes if columns * z >= code_block_bits)
