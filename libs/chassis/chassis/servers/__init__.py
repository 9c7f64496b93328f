"""Servers that are started when nobody gives one: a PostgreSQL, a RabbitMQ, each in a folder of its own."""

from chassis.servers.failed import ServerFailed

__all__ = ["ServerFailed"]
