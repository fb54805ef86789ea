"""The Regions of CodeDeploy, as far as the installed botocore knows them."""

from functools import cache

import botocore.session


@cache
def _core() -> botocore.session.Session:
    """One session for all questions: each that is made reads botocore's list of endpoints again."""
    return botocore.session.get_session()


@cache
def partitions() -> dict[str, tuple[str, ...]]:
    """The Regions that have CodeDeploy, by partition ("aws", "aws-cn", ...)."""
    core = _core()
    return {
        name: tuple(core.get_available_regions("codedeploy", name))
        for name in core.get_available_partitions()
    }


def all_regions() -> list[str]:
    """Every Region that has CodeDeploy."""
    return [region for regions in partitions().values() for region in regions]


def neighbours(region: str) -> list[str]:
    """The other Regions of the same partition and part of the world ("eu-..." for "eu-west-1")."""
    area = region.partition("-")[0] + "-"
    mates = next((regions for regions in partitions().values() if region in regions), ())
    return [other for other in mates if other.startswith(area) and other != region]


def dns_suffix(region: str) -> str:
    """The domain of AWS in the partition of a Region: "amazonaws.com" for "eu-west-1"."""
    core = _core()
    partition = core.get_partition_for_region(region)
    return next(
        str(p["dnsSuffix"]) for p in core.get_data("endpoints")["partitions"] if p["partition"] == partition
    )


def partition_of(region: str) -> str:
    """The partition of a Region: "aws" for "eu-west-1", and for one that botocore does not know."""
    return next((name for name, regions in partitions().items() if region in regions), "aws")
