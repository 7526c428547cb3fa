"""One batch of blocks through a link, each sent until it is decoded or given up, soft values combined."""

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from ntn6g.core import random
from ntn6g.phy.chain import LinkChain
from ntn6g.phy.coding import TransportCode
from ntn6g.phy.link_values import LinkValues
from ntn6g.phy.outcome import LinkOutcome


@dataclass(frozen=True, eq=False)
class HarqValues(LinkValues):
    """`LinkValues` and what retransmission adds, [B] each.

    ``interval_s`` is the time from one transmission of a block to the next where the sender waits for feedback;
    ``blind_share`` the share of processes without feedback, 0 to 1.
    """

    interval_s: tf.Tensor
    blind_share: tf.Tensor

    DTYPES: ClassVar[dict[str, str]] = {**LinkValues.DTYPES, "interval_s": "float32", "blind_share": "float32"}


@dataclass(frozen=True, kw_only=True)
class HarqOutcome:
    """``link`` after the last transmission of each block; the other fields are int32 or bool, [B].

    ``link.block_error`` is the residual error, no right block with a CRC that holds; uncoded bits and SINR in it are
    those of the first transmission, iterations those of all. ``transmissions`` counts what was sent, ``delivered_at``
    is the transmission after which the block was right (0: never), ``blind`` tells whether its process has no
    feedback, ``first_error`` whether the first transmission alone failed. ``most`` is the largest number of
    transmissions of any block.
    """

    link: LinkOutcome
    transmissions: tf.Tensor
    delivered_at: tf.Tensor
    blind: tf.Tensor
    first_error: tf.Tensor
    most: int

    @property
    def sinr(self) -> tf.Tensor:
        """SINR of the first transmission, float32 [B]."""
        return self.link.sinr

    def counts(self) -> dict[str, tf.Tensor]:
        """What adds up over blocks, by name: with feedback and blind apart."""
        counts = self.link.counts() | {
            "blind_blocks": self.blind,
            "first_errors": self.first_error,
            "transmissions": self.transmissions,
        }
        for number in range(1, self.most + 1):
            here = tf.equal(self.delivered_at, number)
            counts[f"delivered_{number}"] = here & ~self.blind
            counts[f"blind_delivered_{number}"] = here & self.blind
        return counts


class HarqChain:
    """Retransmission on top of a link, in one compiled loop.

    A process with feedback sends its block again, ``interval_s`` later, until the CRC holds or ``most`` transmissions
    are spent; one without sends it in ``repetitions`` slots in a row, whatever becomes of it. Which kind a block meets
    is drawn with ``blind_share``. Every transmission takes the next redundancy version of the code, in turn, meets the
    block's own fading at its own time and fresh noise, and its soft values are added to those before; the receiver
    tries to decode after each. Feedback arrives without error. The first transmission is that of the plain link, draw
    for draw.

    Parameters
    ----------
    chain : LinkChain
        The link; its fading must heed ``start_s``.
    code : TransportCode
        Its code, with the redundancy versions of successive transmissions.
    versions : int
        How many there are; further transmissions begin again with the first.
    most, repetitions : int
        Most transmissions with feedback; slots of a blind block.
    """

    values_type: ClassVar[type[LinkValues]] = HarqValues

    def __init__(self, chain: LinkChain, code: TransportCode, *, versions: int, most: int, repetitions: int) -> None:
        self.chain, self._code, self._versions = chain, code, versions
        self._most, self._repetitions = most, repetitions

    def __call__(self, keys: tf.Tensor, values: LinkValues) -> HarqOutcome:
        """Run one batch: keys uint32 [B, 2], `HarqValues` [B]."""
        assert isinstance(values, HarqValues)
        chain, code, rows = self.chain, self._code, keys.shape[0]
        bits = random.bits(random.stream(keys, "bits"), chain.block_bits)
        codeword = code.codeword(bits)
        blind = random.uniform(random.stream(keys, "process"), (1,))[:, 0] < values.blind_share
        allowed = tf.where(blind, self._repetitions, self._most)
        apart_s = tf.where(blind, tf.constant(chain.grid.slot_duration_s, tf.float32), values.interval_s)
        nothing, never = tf.zeros([rows], tf.int32), tf.zeros([rows], tf.bool)

        def sent(number: tf.Tensor, state: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            version = number % self._versions
            coded = code.send(codeword, version)
            start_s = tf.cast(number, tf.float32) * apart_s
            equalised, sinr = chain.transfer(keys, values, coded, noise_keys=_noise_keys(keys, number), start_s=start_s)
            llr = chain.modulation.llr(equalised.symbols, equalised.noise_variance)
            trying = state["open"] & (state["delivered_at"] == 0)
            soft = tf.where(trying, state["soft"] + code.collect(llr, version), state["soft"])
            # what is settled becomes the zero word, which holds at once
            decoded = code.decide(tf.where(trying, soft, 0.0))
            wrong = _differences(decoded.bits, bits)
            errors = tf.where(trying, wrong, state["errors"])
            now = trying & decoded.crc_ok
            delivered_at = tf.where(now, number + 1, state["delivered_at"])
            first = tf.equal(number, 0)
            uncoded = _differences(chain.modulation.decide(equalised.symbols), coded)
            return number + 1, {
                "soft": soft,
                "open": (number + 1 < allowed) & (blind | (delivered_at == 0)),
                "errors": errors,
                "delivered_at": delivered_at,
                "transmissions": state["transmissions"] + tf.cast(state["open"], tf.int32),
                "iterations": state["iterations"] + tf.where(trying, decoded.iterations, 0),
                "first_error": tf.where(first, ~now | (errors > 0), state["first_error"]),
                "uncoded_errors": tf.where(first, uncoded, state["uncoded_errors"]),
                "sinr": tf.where(first, sinr, state["sinr"]),
            }

        begin = {
            "soft": tf.zeros(codeword.shape, tf.float32),
            "open": ~never,
            **dict.fromkeys(("errors", "delivered_at", "transmissions", "iterations", "uncoded_errors"), nothing),
            "first_error": never,
            "sinr": tf.zeros([rows], tf.float32),
        }
        _, state = tf.while_loop(lambda number, state: tf.reduce_any(state["open"]), sent, (tf.constant(0), begin))
        return self._outcome(state, blind)

    def _outcome(self, state: dict[str, tf.Tensor], blind: tf.Tensor) -> HarqOutcome:
        rows, errors, accepted = blind.shape[0], state["errors"], state["delivered_at"] > 0
        delivered = accepted & tf.equal(errors, 0)
        link = LinkOutcome(
            bits=tf.fill([rows], self.chain.block_bits),
            bit_errors=errors,
            uncoded_bits=tf.fill([rows], self.chain.coded_bits),
            uncoded_bit_errors=state["uncoded_errors"],
            block_error=~delivered,
            undetected_error=(errors > 0) & accepted,
            sinr=state["sinr"],
            iterations=state["iterations"],
        )
        return HarqOutcome(
            link=link,
            transmissions=state["transmissions"],
            delivered_at=tf.where(delivered, state["delivered_at"], 0),
            blind=blind,
            first_error=state["first_error"],
            most=max(self._most, self._repetitions),
        )


def _noise_keys(keys: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Keys of the noise of one transmission: those of the plain link for the first, fresh ones for every later one."""
    noise = random.stream(keys, "noise")
    return tf.where(tf.equal(number, 0), noise, random.numbered(noise, number))


def _differences(decided: tf.Tensor, sent: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(decided != sent, tf.int32), axis=1)
