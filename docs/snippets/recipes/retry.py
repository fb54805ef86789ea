"""A client that tries again where that can help, and nowhere else."""

import boto3
from botocore.config import Config


def client(attempts=5, **options):
    """CodeDeploy; "attempts" counts the first one too."""
    retries = {"mode": "adaptive", "total_max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=5, read_timeout=20)
    return boto3.client("codedeploy", config=config, **options)
