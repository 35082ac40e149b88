"""Completes the metadata at build time: links that work on PyPI, and the project's URLs.

`repository` in `[tool.hatch.metadata.hooks.custom]` of pyproject.toml is the one value behind both.
While it is empty there are no URLs, and a link to a file of the repository becomes its text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A link of Markdown to a file, in the repository or elsewhere, with its text.
_LINK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?P<target>[^()\s]+)\)")


def linked(markdown: str, files: str) -> str:
    """The text with links that work anywhere.

    Args:
        markdown: A text with links to files beside it.
        files: What the path of a file is appended to. Empty where there is no such place.

    Example:
        >>> linked("[All keys](docs/a.md), [PEP](https://peps.python.org)", "https://x.example/v1/")
        '[All keys](https://x.example/v1/docs/a.md), [PEP](https://peps.python.org)'
        >>> linked("[All keys](docs/a.md)", "")
        'All keys'
    """

    def replaced(match: re.Match[str]) -> str:
        text, target = match["text"], match["target"]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        return f"[{text}]({files}{target})" if files else text

    return _LINK.sub(replaced, markdown)


def project_urls(repository: str) -> dict[str, str]:
    """The URLs that PyPI shows, for a repository with the paths of GitHub and GitLab.

    Example:
        >>> project_urls("https://git.example/shop")["Issues"], project_urls("")
        ('https://git.example/shop/issues', {})
    """
    if not repository:
        return {}
    files = f"{repository}/blob/HEAD"
    return {
        "Repository": repository,
        "Documentation": f"{files}/README.md#documentation",
        "Changelog": f"{files}/CHANGELOG.md",
        "Security": f"{files}/SECURITY.md",
        "Issues": f"{repository}/issues",
    }


class ReadmeAndUrls(MetadataHookInterface):
    """Sets `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets them by `repository`.

        Args:
            metadata: The table `project`, with the version.
        """
        repository = str(self.config["repository"]).rstrip("/")
        files = f"{repository}/blob/v{metadata['version']}/" if repository else ""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": linked(text, files)}
        metadata["urls"] = project_urls(repository)
