"""Physical constants, each with its source."""

import math

SPEED_OF_LIGHT_M_S = 299_792_458.0  # exact, SI Brochure 9th ed. (2019)
BOLTZMANN_J_K = 1.380649e-23  # exact, SI Brochure 9th ed. (2019)
BOLTZMANN_DBW_K_HZ = 10.0 * math.log10(BOLTZMANN_J_K)  # -228.599, TR 38.821 6.1.3.1 rounds to -228.6
REFERENCE_TEMPERATURE_K = 290.0  # T0 of the noise figure, TR 38.821 V16.2.0 6.1.3.1

EARTH_RADIUS_M = 6_371e3  # sphere of TR 38.811 V15.4.0 6.6.2, not an ellipsoid
EARTH_MU_M3_S2 = 3.986004418e14  # WGS 84, NIMA TR8350.2 3rd ed., table 3.1
EARTH_ROTATION_RAD_S = 7.292115e-5  # WGS 84 mean angular velocity, NIMA TR8350.2 3rd ed., table 3.1
WGS84_SEMI_MAJOR_AXIS_M = 6_378_137.0  # NIMA TR8350.2 3rd ed., table 3.1
WGS84_FLATTENING = 1.0 / 298.257223563  # NIMA TR8350.2 3rd ed., table 3.1
