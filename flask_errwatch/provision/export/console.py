"""What a person pastes into the console or gives to the AWS command line."""

from __future__ import annotations

import json

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.queries import SAVED_QUERIES
from flask_errwatch.provision.scope import AwsScope


def dashboard_text(catalogue: Catalogue, config: Config, scope: AwsScope) -> str:
    """The dashboard's body, indented, whether or not the app provisions one.

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
    wanted = config._replace(dashboard=True)
    made = desired_resources(catalogue, wanted, scope=scope).dashboard
    body = {} if made is None else json.loads(made.body)
    return json.dumps(body, indent=2, ensure_ascii=False)


def queries_text(config: Config) -> str:
    r"""Every saved query under its name, as the console's editor takes it.

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
        f"# {each.name_for(config.app_name)}: {each.title} (log group {config.log_group})\n"
        f"{each.text}"
        for each in SAVED_QUERIES
    )


def queries_document(catalogue: Catalogue, config: Config) -> list[dict[str, object]]:
    """Every saved query as the arguments of PutQueryDefinition, as `apply` gives them.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.

    Example:
        >>> from flask_errwatch import config
        >>> queries_document(Catalogue(()), config.load({}, {}, app_name="shop"))[0]["name"]
        'shop/top-sources'
    """
    made = desired_resources(catalogue, config._replace(saved_queries=True))
    return [
        {"name": each.name, "queryString": each.query, "logGroupNames": [*each.log_groups]}
        for each in made.queries
    ]
