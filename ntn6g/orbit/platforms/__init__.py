"""Anything that knows where it is: element sets, Kepler orbits, terminals and aerial platforms."""
