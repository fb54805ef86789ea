#!/bin/sh
# Alarm on the exception: create a metric filter and an alarm.
# Usage: alarm.sh LOG_GROUP SNS_TOPIC_ARN
set -eu
group=${1:?usage: alarm.sh LOG_GROUP SNS_TOPIC_ARN}
topic=${2:?usage: alarm.sh LOG_GROUP SNS_TOPIC_ARN}
name=codedeploy-invalid-registration-status
code=InvalidRegistrationStatusException
space=CodeDeployCallers

aws logs put-metric-filter \
    --log-group-name "$group" --filter-name "$name" \
    --filter-pattern "{ $.errorCode = \"$code\" }" \
    --metric-transformations \
    metricName="$name",metricNamespace="$space",metricValue=1
aws cloudwatch put-metric-alarm \
    --alarm-name "$name" --alarm-actions "$topic" \
    --namespace "$space" --metric-name "$name" --statistic Sum \
    --period 300 --evaluation-periods 1 --threshold 1 \
    --comparison-operator GreaterThanOrEqualToThreshold \
    --treat-missing-data notBreaching
