"""From a store of features and weak labels to a run folder with a trained model."""
