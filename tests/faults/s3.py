"""A real S3 server, of PyPI's moto in an environment of its own: what is installed beside Pulumi it lists at each run."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.state import CACHE
from tests.ports import free_port

PACKAGES = ("moto==5.2.5", "flask==3.*", "flask-cors", "joserfc", "cryptography")
"""The server itself needs flask, its key management the last two."""
_INSTALLED = CACHE / "s3-moto-5.2.5"
_SECONDS = 60
ACCESS = {
    "AWS_ACCESS_KEY_ID": "team",
    "AWS_SECRET_ACCESS_KEY": "team",
    "AWS_REGION": "eu-central-1",
    # moto answers with no checksum, which each answer would be warned of.
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


def _python() -> Path:
    """The interpreter that has moto, installed once a machine."""
    if not (_INSTALLED / "ready").exists():
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(_INSTALLED)], check=True)
        pip = [str(_INSTALLED / "bin/pip"), "install", "--quiet", *PACKAGES]
        installed = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
        if installed.returncode != 0:
            pytest.skip(
                f"wants the S3 server moto, so this was NOT CHECKED: a state in S3 ({installed.stderr[-200:]})"
            )
        (_INSTALLED / "ready").touch()
    return _INSTALLED / "bin/python"


@contextmanager
def s3(log: Path) -> Iterator[str]:
    """A server on loopback; its address."""
    python = _python()
    port = free_port()
    words = [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(words, stdout=output, stderr=output, env={**os.environ, **ACCESS})
    try:
        deadline = time.monotonic() + _SECONDS
        while not _answers(port):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=_SECONDS)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def make_bucket(address: str, name: str) -> None:
    """A bucket, empty."""
    request = urllib.request.Request(f"http://{address}/{name}", method="PUT", data=b"")
    with urllib.request.urlopen(request, timeout=30):
        pass


def make_key(address: str) -> str:
    """A key of the key management service beside it; its id."""
    request = urllib.request.Request(
        f"http://{address}/",
        method="POST",
        data=b"{}",
        headers={
            "X-Amz-Target": "TrentService.CreateKey",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=team/20261130/eu-central-1/kms/aws4_request",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.loads(response.read())["KeyMetadata"]["KeyId"])
