"""Makes the environment in ``.venv``: locked dependencies, the workspace's members editable.

It needs nothing but Python: uv is used where it works, else put into ``.uv``.
"""

import importlib.util
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = ROOT / ".uv" / "bin" / "uv"
LOCK = ROOT / "requirements.lock"
UV_VERSION = "uv>=0.8,<1"


class Impossible(Exception):
    """Its text is the one line to show."""


def working_uv() -> str:
    """The uv to use. One on the path may be a shim that fails: it is asked for its version before it is trusted."""
    for candidate in ("uv", str(UV)):
        try:
            subprocess.run([candidate, "--version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    return install_uv()


def install_uv() -> str:
    """Put uv into ``.uv``, by Python's own means."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise Impossible(f"This Python has no ensurepip, so it cannot make environments: apt install {package}.")
    say("fetching uv, which fetches the rest")
    run([sys.executable, "-m", "venv", str(UV.parent.parent)])
    run([str(UV.parent / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV_VERSION])
    return str(UV)


def members() -> Iterator[Path]:
    """The folders of the workspace's packages."""
    for group in ("libs", "services"):
        yield from sorted(path.parent for path in (ROOT / group).glob("*/pyproject.toml"))
    yield ROOT / "gateway"
    yield ROOT / "deploy"


def keeps_certificates() -> bool:
    """Whether this machine says whom it trusts: Python and pip go by that, uv by a list of its own unless told."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).iterdir()))


def install(uv: str) -> None:
    """Make ``.venv`` what the lock says."""
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    if keeps_certificates():
        environment.setdefault("UV_SYSTEM_CERTS", "true")
        environment.setdefault("UV_NATIVE_TLS", "true")
    if not (VENV / "bin" / "python").exists():
        run([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)], environment)
    say("installing what requirements.lock names")
    # Compiled now, so that every start is a fast one, even where Python may not write beside its sources.
    run([uv, "pip", "sync", "--compile-bytecode", "--require-hashes", str(LOCK)], environment)
    editable = [part for folder in members() for part in ("-e", str(folder))]
    run([uv, "pip", "install", "--quiet", "--no-deps", *editable], environment)
    run([str(VENV / "bin" / "python"), "-m", "compileall", "-q", *(str(folder) for folder in members())])


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    """Run ``command``, its output shown."""
    try:
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
    except OSError as error:
        raise Impossible(f"{command[0]}: {error.strerror}.") from error
    except subprocess.CalledProcessError as error:
        raise Impossible(f"{' '.join(command[:3])} failed, as said above.") from error


def say(what: str) -> None:
    sys.stderr.write(f"soko: {what}\n")
    sys.stderr.flush()


def main() -> int:
    try:
        install(working_uv())
        (VENV / ".ready").touch()
    except Impossible as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        say("broken off; the next start goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
