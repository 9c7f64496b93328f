"""A service that counts: what the conformance suite runs, so that it tests the chassis and nothing else."""
