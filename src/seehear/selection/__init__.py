"""Collocation selection: which networks, one per modality, suit given clips best together."""
