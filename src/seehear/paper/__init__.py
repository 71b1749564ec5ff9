"""Experiments as data: what to run, the numbers a paper reports of it, what the paper leaves open, and its claims."""
