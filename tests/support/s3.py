"""A real S3 server for tests: moto's, in a thread, on a port of its own. It lets in whoever has a right to it."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from chassis.servers import child

ALLOWED = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
REGION = "eu-west-1"
BUCKET = "pictures"


@dataclass
class S3:
    """One server. ``key`` and ``secret`` open its bucket."""

    port: int
    key: str = ""
    secret: str = ""
    _server: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **other: str) -> dict[str, str]:
        """What a process that uses it is told."""
        return {
            "AWS_ENDPOINT": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            **other,
        }

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def files(self) -> list[str]:
        """What is in the bucket, by name."""
        from moto.s3.models import s3_backends

        (backend,) = (each for account in s3_backends.values() for each in account.values() if BUCKET in each.buckets)
        return sorted(backend.buckets[BUCKET].keys)

    def make_bucket(self) -> None:
        """The bucket, and who may use it."""
        httpx.post(f"{self.url}/moto-api/reset").raise_for_status()
        httpx.put(f"{self.url}/{BUCKET}").raise_for_status()
        self._iam("CreateUser")
        self._iam("PutUserPolicy", PolicyName="s3", PolicyDocument=ALLOWED)
        made = ET.fromstring(self._iam("CreateAccessKey"))
        self.key, self.secret = (
            next(str(each.text) for each in made.iter() if each.tag.endswith(name))
            for name in ("AccessKeyId", "SecretAccessKey")
        )

    def _iam(self, action: str, **more: str) -> str:
        head = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request"}
        body = {"Action": action, "Version": "2010-05-08", "UserName": "shop", **more}
        return httpx.post(self.url, data=body, headers=head).raise_for_status().text


@contextmanager
def s3_server() -> Iterator[S3]:
    """One that checks every signature, and has a bucket."""
    from moto.core.authorization import enable_iam_authentication

    s3 = S3(child.pick_port())
    s3.start()
    try:
        s3.make_bucket()
        with enable_iam_authentication():
            yield s3
    finally:
        s3.stop()
