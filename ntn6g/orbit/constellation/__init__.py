"""Constellations: Walker patterns, and the published shells of real ones with their sources."""
