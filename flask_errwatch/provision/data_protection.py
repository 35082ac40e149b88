"""The data protection policy of a log group: CloudWatch Logs masks secrets in its events. Pure."""

from __future__ import annotations

from flask_errwatch.provision.resources import DataProtection
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import MANAGER, marker
from flask_errwatch.provision.scope import AwsScope

#: Managed data identifiers (CloudWatch Logs User Guide, "Types of data that you can protect").
#: Addresses are not among them: they are evidence. Nor are names, mail addresses and phone numbers.
IDENTIFIERS = (
    "AwsSecretKey",
    "CreditCardNumber",
    "CreditCardSecurityCode",
    "OpenSshPrivateKey",
    "PgpPrivateKey",
    "PkcsPrivateKey",
    "PuttyPrivateKey",
)


def data_protection(log_group: str, app_name: str, scope: AwsScope) -> DataProtection:
    """Returns the policy that masks credentials and card numbers in the events of a log group.

    Both statements name the same identifiers, and the audit reports to no destination, as
    PutDataProtectionPolicy demands.

    Args:
        log_group: The log group.
        app_name: The app that manages the policy.
        scope: The partition, for the ARNs of the identifiers.
    """
    arns = [
        f"arn:{scope.partition}:dataprotection::aws:data-identifier/{name}" for name in IDENTIFIERS
    ]
    document = {
        "Name": MANAGER,
        "Description": marker(app_name),
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "Audit",
                "DataIdentifier": arns,
                "Operation": {"Audit": {"FindingsDestination": {}}},
            },
            {
                "Sid": "Mask",
                "DataIdentifier": arns,
                "Operation": {"Deidentify": {"MaskConfig": {}}},
            },
        ],
    }
    return DataProtection(log_group=log_group, document=canonical(document))
