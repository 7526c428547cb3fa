"""All pairs of terminals and satellites: geometry in chunks, contacts, coverage."""
