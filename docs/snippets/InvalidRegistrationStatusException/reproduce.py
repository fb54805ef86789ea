"""Raise InvalidRegistrationStatusException on purpose; it only reads."""

import sys

import boto3
from botocore.exceptions import ClientError

status = (sys.argv[1:] or ["Registering"])[0]  # there is no such status
codedeploy = boto3.client("codedeploy")

try:
    codedeploy.list_on_premises_instances(registrationStatus=status)
except ClientError as error:
    code = error.response["Error"]["Code"]
    print(f"{code} from {error.operation_name}, which was sent {status!r}")
else:
    sys.exit(f"No error: the service took {status!r}")
