#!/bin/sh
# Print the CloudTrail record of each refused call; it only reads.
aws cloudtrail lookup-events --output text \
    --lookup-attributes AttributeKey=EventName,AttributeValue=ListOnPremisesInstances \
    --query "Events[?contains(CloudTrailEvent, 'InvalidRegistrationStatusException')].[CloudTrailEvent]"
