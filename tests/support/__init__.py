"""Helpers of the tests: real kernels, a real JupyterLab, a real browser."""
