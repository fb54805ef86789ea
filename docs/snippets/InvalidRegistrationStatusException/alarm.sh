#!/bin/sh
# Alarm on the exception: makes a metric filter and an alarm.
# Usage: alarm.sh LOG_GROUP SNS_TOPIC_ARN
set -eu
name=codedeploy-invalid-registration-status
code=InvalidRegistrationStatusException

aws logs put-metric-filter --log-group-name "$1" --filter-name "$name" \
    --filter-pattern "{ $.errorCode = \"$code\" }" --metric-transformations \
    metricName="$name",metricNamespace=CodeDeployCallers,metricValue=1
aws cloudwatch put-metric-alarm --alarm-name "$name" --alarm-actions "$2" \
    --namespace CodeDeployCallers --metric-name "$name" --statistic Sum \
    --period 300 --evaluation-periods 1 --treat-missing-data notBreaching \
    --threshold 1 --comparison-operator GreaterThanOrEqualToThreshold
