"""What PyPI and pip get to see: the metadata of a wheel, built as for a release."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / "pyproject.toml"
#: A link of Markdown whose target is a file of the repository.
RELATIVE = re.compile(r"\]\((?!https://|#)[^)]*\)")
#: What the metadata depends on. The wheel of the test has no other module.
FILES = (
    *("README.md", "LICENSE", "hatch_build.py", "_flask_errwatch_pytest.py"),
    "flask_errwatch/__init__.py",
)


def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))


def metadata(folder: Path, repository: str) -> Message:
    """The metadata of a wheel that is built with this URL of the repository."""
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    text = PYPROJECT.read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        text.replace('repository = ""', f'repository = "{repository}"'), encoding="utf-8"
    )
    build = "from hatchling.build import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, check=True
    )
    wheel = folder / done.stdout.split()[-1]
    twine = [sys.executable, "-m", "twine", "check", "--strict", str(wheel)]
    subprocess.run(twine, check=True, capture_output=True)
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        return BytesParser().parsebytes(archive.read(name))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """The metadata as they are now."""
    return metadata(
        tmp_path_factory.mktemp("now"),
        project()["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"],
    )


def test_the_page_on_pypi_has_no_link_that_leads_nowhere(built: Message) -> None:
    """PyPI has no file of the repository: while these have no URL, nothing links to them."""
    text = str(built.get_payload())
    assert built["Description-Content-Type"] == "text/markdown"
    assert RELATIVE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert not RELATIVE.search(text)
    assert "| Configuration | every key, its default and its check |" in text


def test_one_value_gives_links_and_urls(tmp_path: Path) -> None:
    """With the URL of the repository, links are those of the release, and PyPI shows the URLs."""
    found = metadata(tmp_path, "https://git.example/flask-errwatch")
    text = str(found.get_payload())
    assert not RELATIVE.search(text)
    version = found["Version"]
    page = f"https://git.example/flask-errwatch/blob/v{version}/docs/configuration.md"
    assert f"| [Configuration]({page}) | every key, its default and its check |" in text
    urls = dict(value.split(", ") for value in found.get_all("Project-URL", []))
    assert urls == {
        "Repository": "https://git.example/flask-errwatch",
        "Documentation": "https://git.example/flask-errwatch/blob/HEAD/README.md#documentation",
        "Changelog": "https://git.example/flask-errwatch/blob/HEAD/CHANGELOG.md",
        "Security": "https://git.example/flask-errwatch/blob/HEAD/SECURITY.md",
        "Issues": "https://git.example/flask-errwatch/issues",
    }


def test_no_url_is_invented(built: Message) -> None:
    """Project URLs are set at publication, and CONTRIBUTING.md says where."""
    assert built.get_all("Project-URL") is None
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "## At publication" in contributing
    assert "`repository` in `pyproject.toml`" in contributing


def test_the_published_extras_are_for_users(built: Message) -> None:
    """Tools of developers are dependency groups, which no wheel has."""
    assert built.get_all("Provides-Extra") == ["duckdb", "lab", "replay"]
    assert {"test", "bench"} == set(project()["dependency-groups"])
    required = {
        re.split("[^a-z0-9-]", line.lower())[0] for line in built.get_all("Requires-Dist", [])
    }
    assert required & {"pytest", "ruff", "mypy", "twine", "hatchling", "gunicorn"} == set()


def test_the_classifiers_name_the_pythons_of_the_gate(built: Message) -> None:
    """Each Python that the metadata names is one that CI runs."""
    names = re.findall(r"Python :: (3\.\d+)", "\n".join(built.get_all("Classifier", [])))
    assert names == ["3.11", "3.12", "3.13"]
    run = re.search(r"VERSIONS=\((.*)\)", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert run is not None
    assert set(names) <= set(run[1].split())


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Each file exists, and each heading that is linked to."""
    for target in RELATIVE.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        name, _, heading = target.removeprefix("](").removesuffix(")").partition("#")
        text = (ROOT / name).read_text(encoding="utf-8")
        slugs = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert not heading or heading in slugs, target
