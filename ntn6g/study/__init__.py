"""Measure, repeat, keep, draw: studies, the engine that runs them, run folders, figures and the command line."""
