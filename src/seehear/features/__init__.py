"""Features: extracted from clips, kept in a store, packed for training, imported and exported as .npy files."""
