#!/bin/sh
# Print the CloudTrail record of each refused call; read-only.
code=InvalidRegistrationStatusException
name=ListOnPremisesInstances
aws cloudtrail lookup-events --output text \
    --lookup-attributes "AttributeKey=EventName,AttributeValue=$name" \
    --query "Events[?contains(CloudTrailEvent, '$code')]
             .[CloudTrailEvent]"
