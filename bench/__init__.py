"""How fast the shop is, beside what the machine can do. Not tests: machines differ and are shared."""
