"""Messages over RabbitMQ: what is declared there, the courier that publishes, the intake that stores and then acks."""

from chassis.rabbit.courier import RabbitCourier
from chassis.rabbit.topology import Topology, declare

__all__ = ["RabbitCourier", "Topology", "declare"]
