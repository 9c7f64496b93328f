"""A card gateway that is not one: a provider with a database, a ledger and webhooks of its own.

It knows nothing of the shop. A charge is asked for with a token that says how the bank will behave; what is known at
once is in the answer, and everything is told by signed webhooks besides, at least once and in no promised order.
"""
