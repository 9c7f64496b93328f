"""The envelope every message travels in: CloudEvents 1.0, binary mode.

The body is the JSON data; every attribute is a header named ``cloudEvents_<attribute>``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

SPEC_VERSION = "1.0"
PREFIX = "cloudEvents_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message on its way.

    ``subject`` is the thing it tells of, and ``sequence`` counts the messages about that subject.
    ``partitionkey`` is what has to stay in order where the receiver cannot say better.
    ``correlationid`` names the whole story (one checkout), ``causationid`` the message or request that led to this one.
    """

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    partitionkey: str
    sequence: int
    correlationid: str
    causationid: str
    traceparent: str | None = None
    data: bytes

    def headers(self) -> dict[str, str]:
        """The attributes as message headers."""
        attributes = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "subject": self.subject,
            "partitionkey": self.partitionkey,
            "sequence": str(self.sequence),
            "correlationid": self.correlationid,
            "causationid": self.causationid,
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return {PREFIX + name: value for name, value in attributes.items()}

    @classmethod
    def parse(cls, headers: dict[str, str], data: bytes) -> "Envelope":
        """Read headers and body back. Raises ``ValueError`` naming the attribute that is missing or broken."""
        attributes = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
        if attributes.get("specversion") != SPEC_VERSION:
            raise ValueError(f"specversion must be {SPEC_VERSION}, not {attributes.get('specversion')!r}")
        try:
            return cls(
                id=attributes["id"],
                source=attributes["source"],
                type=attributes["type"],
                time=datetime.fromisoformat(attributes["time"]),
                subject=attributes["subject"],
                partitionkey=attributes["partitionkey"],
                sequence=int(attributes["sequence"]),
                correlationid=attributes["correlationid"],
                causationid=attributes["causationid"],
                traceparent=attributes.get("traceparent"),
                data=data,
            )
        except KeyError as missing:
            raise ValueError(f"attribute {missing} is missing") from missing
