"""Maps over range and Doppler, estimates between their cells, and what both can and cannot tell."""
