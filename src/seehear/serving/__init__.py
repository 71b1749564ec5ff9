"""Serving pages and files to this computer alone: who may ask, how much, for how long, and in which parts."""
