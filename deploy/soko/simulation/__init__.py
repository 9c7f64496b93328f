"""The whole shop, its customers and its misfortunes in one process that chance moves, and the same chance again.

Every service runs as it is, on a real PostgreSQL. What decides when anything happens is drawn from one seed: which
statement of which service comes next, what customers and staff do, what breaks. The clock is virtual and ids are
seeded, so a seed always plays the same history, and one that ends in a breach can be played until it is understood.

``clock`` is the event loop, ``lives`` what can die, ``gate`` what every statement passes; ``courier`` and ``process``
stand where a broker, a network and an operating system would. ``people`` and what builds on it are the clients,
``director`` draws the next move, ``rest`` brings everything to its end, ``ground`` is the database server, ``runs``
plays seed after seed.
"""
