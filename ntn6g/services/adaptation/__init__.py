"""Link adaptation over satellite delays: a link with delay lines, policies that drive it, genies that bound them."""

from ntn6g.services.adaptation.environment import LinkEnvironment, Outcome, State
from ntn6g.services.adaptation.fading import Blockage, multipath, ray_correlation, rays_for
from ntn6g.services.adaptation.passes import PassGeometry, pass_geometry
from ntn6g.services.adaptation.rates import RateLadder, error_of_gain, rate_ladder
from ntn6g.services.adaptation.traces import LinkValues, Trace, TraceMaker

__all__ = [
    "Blockage",
    "LinkEnvironment",
    "LinkValues",
    "Outcome",
    "PassGeometry",
    "RateLadder",
    "State",
    "Trace",
    "TraceMaker",
    "error_of_gain",
    "multipath",
    "pass_geometry",
    "rate_ladder",
    "ray_correlation",
    "rays_for",
]
