"""The dashboard's body and the saved queries, for the AWS console and the AWS CLI."""

from __future__ import annotations

import json

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.queries import saved_queries
from flask_errwatch.provision.scope import AwsScope


def dashboard_text(catalogue: Catalogue, config: Config, scope: AwsScope) -> str:
    """The dashboard's body as indented JSON, even if `ERRWATCH_DASHBOARD` is not set.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        scope: Partition, region and account.

    Example:
        >>> from flask_errwatch import config
        >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
        >>> text = dashboard_text(Catalogue(()), config.load({}, {}, app_name="shop"), scope)
        >>> json.loads(text)["periodOverride"]
        'inherit'
    """
    desired = desired_resources(catalogue, config._replace(dashboard=True), scope=scope)
    body = {} if desired.dashboard is None else json.loads(desired.dashboard.body)
    return json.dumps(body, indent=2, ensure_ascii=False)


def queries_text(config: Config) -> str:
    r"""Every saved query below its name, for the console's editor.

    Args:
        config: The app's configuration.

    Example:
        >>> from flask_errwatch import config
        >>> print(queries_text(config.load({}, {}, app_name="shop")).split("\n\n")[1])
        # shop/top-paths: Which paths fail most (log group shop)
        filter ispresent(path)
        | stats count(*) as failures, count_distinct(client_ip) as sources by path, status
        | sort failures desc
        | limit 20
    """
    return "\n\n".join(
        f"# {query.name_for(config.app_name)}: {query.title} (log group {config.log_group})\n"
        f"{query.text}"
        for query in saved_queries(config)
    )


def queries_document(catalogue: Catalogue, config: Config) -> list[dict[str, object]]:
    """Every saved query as the arguments of PutQueryDefinition that `apply` passes.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.

    Example:
        >>> from flask_errwatch import config
        >>> queries_document(Catalogue(()), config.load({}, {}, app_name="shop"))[0]["name"]
        'shop/top-sources'
    """
    desired = desired_resources(catalogue, config._replace(saved_queries=True))
    return [
        {"name": query.name, "queryString": query.query, "logGroupNames": [*query.log_groups]}
        for query in desired.queries
    ]
