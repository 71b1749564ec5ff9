"""A campaign of faults: commands are killed, crowded and starved, run again, and compared with undisturbed ones."""
