"""Ephemeris as a terminal has it: messages of SIB19, what becomes of them with age, delay and Doppler foretold."""
