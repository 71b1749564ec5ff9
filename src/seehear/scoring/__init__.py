"""The official scores of audio-visual video parsing, their decoding protocols and their uncertainty."""
