"""Catch InvalidRegistrationStatusException, and nothing else."""

import sys

import boto3


def instance_names(codedeploy, status):
    """The names with this status. ValueError: CodeDeploy refuses the status."""
    lister = codedeploy.get_paginator("list_on_premises_instances")
    pages = lister.paginate(registrationStatus=status)
    try:
        return [name for page in pages for name in page["instanceNames"]]
    except codedeploy.exceptions.InvalidRegistrationStatusException as error:
        request = error.response["ResponseMetadata"]["RequestId"]
        says = f"CodeDeploy refused the status {status!r}, request {request}"
        raise ValueError(says) from error


if __name__ == "__main__":
    try:
        print(*instance_names(boto3.client("codedeploy"), sys.argv[1]))
    except ValueError as error:
        sys.exit(f"{error}. Do not retry: correct the status.")
