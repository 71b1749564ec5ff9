"""The task network: from the features of every modality to the probability of every segment, modality and class."""
