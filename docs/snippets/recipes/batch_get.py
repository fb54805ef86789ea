"""Read many on-premises instances, and say which are not there."""

MOST = 25  # the model says 25 in one place and 100 in another


def instances(codedeploy, names):
    """What is known, by name, and the names that are not known."""
    found, names = {}, list(dict.fromkeys(names))
    for start in range(0, len(names), MOST):
        some = names[start : start + MOST]
        answer = codedeploy.batch_get_on_premises_instances(instanceNames=some)
        for info in answer["instanceInfos"]:
            found[info["instanceName"]] = info
    return found, [name for name in names if name not in found]
