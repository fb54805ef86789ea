"""List on-premises instances by a status that was checked first."""

STATUSES = {
    "": {},  # no filter: registered and deregistered names
    "registered": {"registrationStatus": "Registered"},
    "deregistered": {"registrationStatus": "Deregistered"},
}


def names(codedeploy, status=""):
    """The names with this status. ValueError: there is no such status."""
    word = (status or "").strip().lower()
    if word not in STATUSES:
        raise ValueError(f"no registration status: {status!r}")
    lister = codedeploy.get_paginator("list_on_premises_instances")
    pages = lister.paginate(**STATUSES[word])
    return [name for page in pages for name in page["instanceNames"]]
