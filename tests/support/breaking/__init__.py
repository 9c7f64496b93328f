"""Requests that must be refused, made from what the document says of each operation: every field, every parameter."""
