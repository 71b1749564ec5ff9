"""Selections judged by the hundred: does the choice pay, and is its certainty right?"""
