"""A link without its bits: what a code block needs on white noise, and what a fading block is worth on it."""

from ntn6g.phy.abstraction.bler_table import BlerTable, MeasuredCurve
from ntn6g.phy.abstraction.calibration import eesm_beta
from ntn6g.phy.abstraction.code_block import CodeBlock
from ntn6g.phy.abstraction.codeword_chain import CodewordChain
from ntn6g.phy.abstraction.curves import BlerCurves
from ntn6g.phy.abstraction.effective_sinr import ExponentialMapping, InformationMapping, fitted_beta
from ntn6g.phy.abstraction.estimated import EstimatedChannel, estimated_information
from ntn6g.phy.abstraction.information import bit_information, expected_esno_db, normal_approximation

__all__ = [
    "BlerCurves",
    "BlerTable",
    "CodeBlock",
    "CodewordChain",
    "EstimatedChannel",
    "ExponentialMapping",
    "InformationMapping",
    "MeasuredCurve",
    "bit_information",
    "eesm_beta",
    "estimated_information",
    "expected_esno_db",
    "fitted_beta",
    "normal_approximation",
]
