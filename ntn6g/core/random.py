"""Counter-based random streams: every block of a batch draws from its own key.

Threefry-2x32 with 20 rounds, J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11, in
TensorFlow integer operations (XLA, CPU and GPU alike). A draw is a pure function of (key, stream name, index):
nothing depends on the batch a block sits in, on its neighbours or on the order of computation.

    chunk key [C, 2]  --block_keys-->  block key [B, 2]  --stream-->  stream key [B, 2]  --normal...-->  [B, ...]
"""

import hashlib
import math
import zlib

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # Salmon et al., table 2, Threefry-2x32
_KEY_PARITY = 0x1BD11BDA  # Salmon et al., 4.2 (the Skein constant's 32-bit form)
_FIRST_USE = 4  # second counter word of numbered draws, above the domains
_BLOCK_DOMAIN, _STREAM_DOMAIN, _NUMBER_DOMAIN = 1, 2, 3  # keep the derivations apart from each other and from draws (0)


def chunk_key(seed: int, channel_key: str, chunk: int) -> tuple[int, int]:
    """Two 32-bit words that identify one chunk of one point; computed on the host."""
    digest = hashlib.blake2b(f"{seed}|{channel_key}|{chunk}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def _u32(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)


def _rotate_left(x: tf.Tensor, count: int) -> tf.Tensor:
    return tf.bitwise.bitwise_or(tf.bitwise.left_shift(x, _u32(count)), tf.bitwise.right_shift(x, _u32(32 - count)))


def threefry_2x32(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Threefry-2x32-20: two uint32 words from two key words and two counter words, broadcast together."""
    parity = tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(key[0], key[1]), _u32(_KEY_PARITY))
    words = (key[0], key[1], parity)
    x0, x1 = counter[0] + words[0], counter[1] + words[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = tf.bitwise.bitwise_xor(_rotate_left(x1, rotation), x0)
        x0, x1 = x0 + words[(group + 1) % 3], x1 + words[(group + 2) % 3] + _u32(group + 1)
    return x0, x1


def _derive(keys: tf.Tensor, word: tf.Tensor, domain: int) -> tf.Tensor:
    derived = tf.stack(threefry_2x32((keys[:, 0], keys[:, 1]), (word, tf.fill(tf.shape(word), _u32(domain)))), 1)
    # Dividing by a one that XLA cannot foresee is exact and keeps it from deriving the keys again for every draw:
    # additions and shifts it repeats in whatever broadcasts them, a division by no constant it does not.
    return derived // tf.cast(tf.exp(0.0 * tf.cast(derived, tf.float32)), tf.uint32)


def block_keys(chunk_keys: tf.Tensor, blocks_per_chunk: int) -> tf.Tensor:
    """Keys of the blocks of each chunk: uint32 [chunks, 2] to uint32 [chunks * blocks_per_chunk, 2]."""
    chunks = chunk_keys.shape[0]
    index = tf.tile(tf.range(blocks_per_chunk, dtype=tf.int32), [chunks])
    return _derive(tf.repeat(chunk_keys, blocks_per_chunk, axis=0), tf.cast(index, tf.uint32), _BLOCK_DOMAIN)


def stream(keys: tf.Tensor, name: str) -> tf.Tensor:
    """Keys of a named stream: uint32 [batch, 2]. Adding a stream never changes another's draws."""
    return _derive(keys, tf.fill([keys.shape[0]], _u32(zlib.crc32(name.encode()))), _STREAM_DOMAIN)


def numbered(keys: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Keys of one of several equal uses of a stream: uint32 [batch, 2] and a scalar, not negative, to [batch, 2]."""
    return _derive(keys, tf.fill([keys.shape[0]], tf.cast(number, tf.uint32)), _NUMBER_DOMAIN)


def _words(keys: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    index = tf.cast(tf.range(count), tf.uint32)[None, :]
    return threefry_2x32((keys[:, :1], keys[:, 1:]), (index, tf.zeros_like(index)))


def _open_unit(word: tf.Tensor) -> tf.Tensor:
    """23 bits to float32 strictly inside (0, 1): (n + 1/2) 2^-23 is exact, where 24 bits would round up to 1."""
    return (tf.cast(tf.bitwise.right_shift(word, _u32(9)), tf.float32) + 0.5) * 2.0**-23


def bits(keys: tf.Tensor, count: int) -> tf.Tensor:
    """Fair bits, float32 0 or 1: uint32 keys [batch, 2] to [batch, count]."""
    words = -(-count // 32)
    first, _ = _words(keys, words)
    shifts = tf.cast(tf.range(32), tf.uint32)
    spread = tf.bitwise.bitwise_and(tf.bitwise.right_shift(first[:, :, None], shifts), _u32(1))
    return tf.cast(tf.reshape(spread, [keys.shape[0], words * 32])[:, :count], tf.float32)


def uniform(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Uniform float32 inside (0, 1), never 0 or 1: uint32 keys [batch, 2] to [batch, *shape]."""
    first, _ = _words(keys, math.prod(shape))
    return tf.reshape(_open_unit(first), [keys.shape[0], *shape])


def _box_muller(keys: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    first, second = _words(keys, count)
    radius, angle = tf.sqrt(-2.0 * tf.math.log(_open_unit(first))), 2.0 * math.pi * _open_unit(second)
    return radius * tf.cos(angle), radius * tf.sin(angle)


def normal(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal float32, tails to 5.6 standard deviations: keys [batch, 2] to [batch, *shape]."""
    return tf.reshape(_box_muller(keys, math.prod(shape))[0], [keys.shape[0], *shape])


def normal_at(keys: tf.Tensor, number: tf.Tensor, count: int) -> tf.Tensor:
    """Standard normal float32 of one of many equal uses, as of the steps of a loop: keys [batch, 2] to [batch, count].

    Other numbers give other draws, as with `numbered`, for the price of one cipher instead of two.
    """
    first, second = _words_at(keys, number, count)
    radius, angle = tf.sqrt(-2.0 * tf.math.log(_open_unit(first))), 2.0 * math.pi * _open_unit(second)
    return radius * tf.cos(angle)


def uniform_at(keys: tf.Tensor, number: tf.Tensor, count: int) -> tf.Tensor:
    """Uniform float32 inside (0, 1) of one of many equal uses, as `normal_at`."""
    return _open_unit(_words_at(keys, number, count)[0])


def _words_at(keys: tf.Tensor, number: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Two words for every index of a numbered use; second counter words 0 to 3 are those of draws and derivations."""
    index = tf.cast(tf.range(count), tf.uint32)[None, :]
    use = tf.cast(number, tf.uint32) + _u32(_FIRST_USE)
    return threefry_2x32((keys[:, :1], keys[:, 1:]), (index, tf.zeros_like(index) + use))


def gamma(keys: tf.Tensor, shape_parameter: tf.Tensor) -> tf.Tensor:
    """Gamma deviates of scale one, float32 [batch]: keys [batch, 2] and positive shape parameters [batch].

    Twelve attempts of rejection are drawn at once and the first accepted one is taken. Each is accepted with
    probability above 0.95, so that none is in 1e-15 of the draws, which then have the value of the mode.

    References
    ----------
    G. Marsaglia and W. W. Tsang, ACM Trans. Math. Softw. 26(3), 2000: for shapes from 1; below, a deviate of the shape
    plus one times a uniform one to the power of the inverse shape.
    """
    attempts = 12
    small = shape_parameter < 1.0
    d = (shape_parameter + tf.where(small, 1.0, 0.0) - 1.0 / 3.0)[:, None]
    x = normal(stream(keys, "gamma x"), (attempts,))
    root = 1.0 + x / tf.sqrt(9.0 * d)
    v = tf.maximum(root, 1e-3) ** 3
    level = 0.5 * x**2 + d * (1.0 - v + tf.math.log(v))
    accepted = (root > 1e-3) & (tf.math.log(uniform(stream(keys, "gamma u"), (attempts,))) < level)
    first = tf.cast(accepted & (tf.cumsum(tf.cast(accepted, tf.int32), 1) == 1), tf.float32)
    found = d[:, 0] * tf.reduce_sum(first * v, 1) + d[:, 0] * (1.0 - tf.reduce_sum(first, 1))
    boost = uniform(stream(keys, "gamma boost"), (1,))[:, 0] ** (1.0 / shape_parameter)
    return found * tf.where(small, boost, tf.ones_like(boost))


def complex_normal(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Circular complex normal of unit variance, complex64: keys [batch, 2] to [batch, *shape]."""
    real, imaginary = _box_muller(keys, math.prod(shape))
    scale = math.sqrt(0.5)
    return tf.reshape(tf.complex(scale * real, scale * imaginary), [keys.shape[0], *shape])
