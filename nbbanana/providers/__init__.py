"""Providers: services over the network, or the sandbox in this process, behind one protocol."""
