"""Media files: frames and waveform on one clock, and an overview of a clip for plots and pages."""
