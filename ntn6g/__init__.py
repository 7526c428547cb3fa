"""Link-level simulation of integrated terrestrial-orbital 6G.

The rooms, in the order in which data flows:

core      the words everyone uses: constants, units, errors, random streams
scenario  what a user may ask: YAML to frozen models
orbit     who is where: orbits and element sets to LinkGeometry
channel   what space does to a wave: losses and fading, to ChannelRealization
phy       what happens to the bits: coding, grid, receiver, to LinkOutcome
services  what a network does with links
study     measure, repeat, keep, draw
"""

__version__ = "0.1.0"
