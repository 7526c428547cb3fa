import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.fusion import computed_once


@tf.function(jit_compile=True)
def _both(keys):
    def make():
        return random.bits(keys, 64)

    return make(), tf.reverse(computed_once(make, keys), [1])


def test_what_is_laid_down_is_what_is_computed_in_place():
    keys = tf.constant([[1, 2], [3, 4]], tf.uint32)
    plain, kept = _both(keys)
    tf.debugging.assert_equal(plain, kept[:, ::-1])
    program = _both.experimental_get_compiler_ir(keys)(stage="optimized_hlo", device_name=keys.device)
    assert program.count(" conditional(") == 1


def test_gradients_pass():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(computed_once(lambda: x**2, tf.ones([1], tf.uint32)))
    tf.debugging.assert_near(tape.gradient(y, x), 2.0 * x)
