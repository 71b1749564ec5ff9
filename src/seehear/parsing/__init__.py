"""Parsing: from a media file or a data set to events heard, seen and both."""
