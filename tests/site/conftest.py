"""The built site, for the tests of this folder."""

import pytest

from tests.support.built_site import Built, build

ADDRESS, REPOSITORY = "https://guide.example.com/codedeploy/", "https://git.example.com/team/guide"


@pytest.fixture(scope="module")
def site() -> Built:
    return build()


@pytest.fixture(scope="module")
def published() -> Built:
    return build(RUNBOOKS_SITE=ADDRESS, RUNBOOKS_REPO=REPOSITORY)
