"""A trained model as one file: what the file is, what it says of the model, and how the model runs without torch."""
