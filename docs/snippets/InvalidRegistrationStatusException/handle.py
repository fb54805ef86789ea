"""Catch InvalidRegistrationStatusException, and no other error."""

import sys

import boto3


def instance_names(codedeploy, status):
    """The names with this status. ValueError: CodeDeploy refused it."""
    lister = codedeploy.get_paginator("list_on_premises_instances")
    pages = lister.paginate(registrationStatus=status)
    invalid = codedeploy.exceptions.InvalidRegistrationStatusException
    try:
        return [name for page in pages for name in page["instanceNames"]]
    except invalid as error:
        request = error.response["ResponseMetadata"]["RequestId"]
        says = f"CodeDeploy refused the status {status!r}"
        raise ValueError(f"{says}, request {request}") from error


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: handle.py STATUS")
    try:
        print(*instance_names(boto3.client("codedeploy"), sys.argv[1]))
    except ValueError as error:
        sys.exit(f"{error}. Do not retry: correct the status.")
