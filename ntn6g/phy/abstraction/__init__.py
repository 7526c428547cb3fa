"""A link without its bits: what a code block needs on white noise, and what a fading block is worth on it."""

from ntn6g.phy.abstraction.code_block import CodeBlock
from ntn6g.phy.abstraction.codeword_chain import CodewordChain
from ntn6g.phy.abstraction.information import bit_information, expected_esno_db, normal_approximation

__all__ = ["CodeBlock", "CodewordChain", "bit_information", "expected_esno_db", "normal_approximation"]
