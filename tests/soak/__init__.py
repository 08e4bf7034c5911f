"""The long forms, and their short ones: kills, crowds, faults, batches."""
