"""The rules of one payment, which is one attempt to be paid.

Begin with ``commands`` and ``facts`` (what is asked, what has happened), then ``state`` (what is remembered), ``rules``
(for commands) and ``news`` (for what a provider says).

A provider is heard three ways: the answer to a call, a webhook, the answer to a question. Each says how the charge
stands, so all three are one command, ``Report``, and it does not matter which comes first, twice or late.
"""
