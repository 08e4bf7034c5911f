"""Pairs of pictures of which everything is known, and how well numbers tell them apart."""
