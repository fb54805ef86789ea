"""What CloudWatch says of alarms."""

from collections.abc import Sequence

from runbooks.aws import Aws
from runbooks.aws.answers import NotAnAnswer

_ALARMS = "cloudwatch:DescribeAlarms"


def alarm_states(aws: Aws, names: Sequence[str]) -> dict[str, str]:
    """The state of each metric alarm of these names that there is: OK, ALARM or INSUFFICIENT_DATA.

    Raises `NotAnAnswer` for another alarm.
    """
    if not names:  # without names every alarm would be described
        return {}
    found = aws.read_all(_ALARMS, "MetricAlarms", "AlarmName", "StateValue", AlarmNames=sorted(set(names)))
    states = {str(one["AlarmName"]): str(one["StateValue"]) for one in found}
    if others := set(states) - set(names):
        raise NotAnAnswer(_ALARMS, f"about {', '.join(sorted(others))} instead of {', '.join(names)}")
    return states
