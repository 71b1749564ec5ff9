"""Damaged files in their thousands: every reader must refuse each by name, or read it right.

python -m fuzz [--only FORMAT] [--count N] [--seed S] [--out OUT]   (from benchmarks/, or `make fuzz`)
"""
