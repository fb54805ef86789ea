"""List on-premises instances with a valid status, or with no filter."""

import sys
from typing import Literal

import boto3

Status = Literal["Registered", "Deregistered"]


def instance_names(status: Status | None = None) -> list[str]:
    """The names with this status; without a status, all names."""
    codedeploy = boto3.client("codedeploy")
    lister = codedeploy.get_paginator("list_on_premises_instances")
    # None or "": leave the key out.
    filters = {"registrationStatus": status} if status else {}
    pages = lister.paginate(**filters)
    return [name for page in pages for name in page["instanceNames"]]


if __name__ == "__main__":
    for status in sys.argv[1:] or ["Registered", "Deregistered"]:
        print(f"{status}:", *instance_names(status))
    print("No filter:", *instance_names())
