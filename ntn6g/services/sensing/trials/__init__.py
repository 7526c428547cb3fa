"""Experiments drawn at random: one frame, a track over frames, a fix over several paths."""
