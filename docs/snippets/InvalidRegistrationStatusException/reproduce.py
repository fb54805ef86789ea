"""Raise InvalidRegistrationStatusException on purpose; read-only."""

import sys

import boto3
from botocore.exceptions import ClientError

status = (sys.argv[1:] or ["Registering"])[0]  # no such status exists
codedeploy = boto3.client("codedeploy")

try:
    codedeploy.list_on_premises_instances(registrationStatus=status)
except ClientError as error:
    code = error.response["Error"]["Code"]
    print(f"{code} from {error.operation_name}")
    print(f"registrationStatus was {status!r}")
else:
    sys.exit(f"No error: the service accepted {status!r}")
