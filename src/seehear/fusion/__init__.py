"""The task network: features of every modality in, probabilities of every segment, modality and class out."""
