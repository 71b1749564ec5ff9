"""Plots of results, drawn by matplotlib."""
