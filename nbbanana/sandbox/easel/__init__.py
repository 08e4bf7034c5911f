"""The painter's easel: one small module for each thing that a sandbox picture is made of, in Pillow alone."""
