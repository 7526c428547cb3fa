"""The scene around a frame: who moves where, how strong echoes are, where targets are and where they go."""

from ntn6g.services.sensing.scene.budget import (
    direct_power_dbw,
    echo_power_dbw,
    image_snr_db,
    noise_power_dbw,
)
from ntn6g.services.sensing.scene.cross_section import (
    CROSS_SECTIONS,
    CrossSection,
    cross_section_dbsm,
    fluctuation_mean_db,
)
from ntn6g.services.sensing.scene.fusion import (
    Ellipse,
    error_ellipse,
    gradients,
    locate,
    path_lengths_m,
    position_covariance,
)
from ntn6g.services.sensing.scene.geometry import EchoGeometry, echo_geometry
from ntn6g.services.sensing.scene.plane_tracking import PlaneTracker, seen_from_origin
from ntn6g.services.sensing.scene.tracking import RangeTracker, Track

__all__ = [
    "CROSS_SECTIONS",
    "CrossSection",
    "EchoGeometry",
    "Ellipse",
    "PlaneTracker",
    "RangeTracker",
    "Track",
    "cross_section_dbsm",
    "direct_power_dbw",
    "echo_geometry",
    "echo_power_dbw",
    "error_ellipse",
    "fluctuation_mean_db",
    "gradients",
    "image_snr_db",
    "locate",
    "noise_power_dbw",
    "path_lengths_m",
    "position_covariance",
    "seen_from_origin",
]
