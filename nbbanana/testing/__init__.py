"""For who adds a provider: a base for emulators of services, and one suite of tests that every provider passes."""
