"""Collocation selection: which networks, one choice a modality, understand each other best on given clips."""
