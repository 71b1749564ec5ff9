"""In which modality a weak label is true, and when: refined labels from stored features, without dense labels."""
