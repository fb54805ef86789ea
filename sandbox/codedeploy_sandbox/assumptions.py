"""What the sandbox does although no one has verified that AWS does the same.

Each line of code that follows an assumption has a comment `Assumption: <name>`. A value that AWS documents is not listed
here, even where the sandbox simplifies it.
"""

ASSUMPTIONS: dict[str, str] = {
    "messages": "The text of an error is the sandbox's own and ends in [sandbox]; the texts of AWS are not known.",
    "derived-code": "A value that the model does not allow is answered with the error that the operation declares "
    "under the name of the parameter or of its type; with InvalidInputException where it declares that and no other, and "
    "with ValidationException where it declares neither.",
    "filter-case": "The registration status filter is compared with the exact spelling of the model.",
    "empty-filter": "An empty registration status is a bad value, not a missing one.",
    "list-page": "ListOnPremisesInstances answers 100 names a page, in alphabetical order.",
    "token-life": "A next token never expires, and is good only for the account, Region and filters it was made for.",
    "empty-token": "An empty next token is an invalid one.",
    "filter-any": "An instance matches a list of tag filters when it matches any one of them.",
    "filter-type": "A tag filter needs a Type, and the Key or Value that its Type needs.",
    "batch-limit": "BatchGetOnPremisesInstances takes 100 names; AWS's own material says 25 in one place and 100 in "
    "another.",
    "batch-unknown": "BatchGetOnPremisesInstances leaves out a name that is not registered, and answers in the order "
    "asked.",
    "get-deregistered": "GetOnPremisesInstance of a deregistered name answers with its data and a deregisterTime.",
    "deregister-unknown": "DeregisterOnPremisesInstance of an unknown or deregistered name succeeds and does nothing.",
    "deregistered-listed": "A deregistered name stays in the list for ever, with its tags, until it is registered "
    "again.",
    "register-again": "A deregistered name or ARN can be registered again at once, and begins without tags.",
    "empty-arn": "An empty iamUserArn alone is IamUserArnRequiredException; any other lack of an ARN is "
    "IamArnRequiredException.",
    "arn-account": "An IAM ARN of another account or of an identity that does not exist can be registered.",
    "check-order": "Of several errors in one request the first in this order is answered: instance names, tags or "
    "ARNs in themselves, then whether the name, then whether the ARN is taken.",
    "tag-call": "AddTags and RemoveTags take 100 instance names, and change either all of them or none.",
    "tag-replace": "An instance has one value for a tag key; adding the key again replaces the value.",
    "tag-remove": "RemoveTags removes a tag whose key and value both match, or whose key matches when no value is "
    "given.",
    "tag-deregistered": "Tags of a deregistered instance can be neither added nor removed: InstanceNotRegistered.",
    "instance-arn": "The ARN of an instance ends in its name, an underscore and ten letters or digits.",
    "target-page": "ListDeploymentTargets answers 100 ids a page, in alphabetical order.",
    "target-unknown": "BatchGetDeploymentTargets of an id that is not a target is DeploymentTargetDoesNotExistException.",
    "deployment-page": "Every other list of CodeDeploy answers 100 rows a page; "
    "deployments come with the newest first, ids of one second in the reverse order of the alphabet.",
    "deployment-id": "An id of a deployment is d- and nine capital letters or digits; anything else is "
    "InvalidDeploymentIdException.",
    "batch-deployments": "BatchGetDeployments, BatchGetDeploymentInstances and BatchGetApplicationRevisions leave out "
    "what is not there.",
    "batch-groups": "BatchGetDeploymentGroups takes 100 names, and leaves out a group that is not there.",
    "target-revision": "The targetRevision of a deployment group is the revision of its newest deployment.",
    "launch-hook": "CodeDeploy's launch hook on an Auto Scaling group is named after the deployment group and ends in a "
    "UUID.",
    "instance-id": "The instanceId of an InstanceSummary is the target's id, not its ARN.",
    "config-values": "CodeDeployDefault.AllAtOnce has the minimum FLEET_PERCENT 0.",
    "config-names": "A configuration whose name begins as AWS's own do is InvalidDeploymentConfigNameException.",
    "config-platform": "A configuration for instances needs a minimum of healthy hosts and has no traffic routing, one for "
    "another platform the reverse; what is missing or too much is the error of that member.",
    "config-percent": "A minimum of healthy hosts is not negative, and as a percentage at most 100.",
    "config-delete": "DeleteDeploymentConfig of one of AWS's own is InvalidOperationException, and of an unknown one "
    "succeeds and does nothing. In use is one that a group names, or a deployment that has not ended.",
    "config-times": "AWS's own deployment configurations were created on 1 January 2015.",
    "revision-required": "CreateDeployment without a revision is RevisionRequiredException, whatever the group's last "
    "revision is.",
    "revision-filters": "A bucket filter of ListApplicationRevisions that cannot be the name of a bucket, and a key prefix "
    "that is longer than a key, are invalid; S3's own rules say what can be.",
    "revision-groups": "The deploymentGroups of a revision are those whose last successful deployment it was.",
    "description-length": "The description of a deployment has at most 1,000 characters.",
    "quick": "A deployment of the sandbox is quick: an event takes a second, and CodeDeploy gives up on a silent agent "
    "after 5 seconds; AWS waits for minutes, by one page of its guide 5 and by another an hour.",
    "order": "The instances of a deployment are worked on in the order of their names.",
    "skipped-events": "A target that was skipped has all its events, each Skipped.",
    "success-message": "An event that succeeded has diagnostics with the code Success and the message Succeeded.",
    "stop-at-once": "StopDeployment ends a deployment at once: the event under way, and all after it, are Skipped.",
    "restart": "A restart has the events of any deployment in place. An agent from 2.1.0 takes the copy of the revision that "
    "it has of the group's last successful deployment; one before, and one without the copy, downloads the revision.",
    "restart-errors": "A restart that names a revision, or whose group is blue/green, is InvalidInputException; one for "
    "outdated instances only is InvalidUpdateOutdatedInstancesOnlyValueException; one of a group without a successful "
    "deployment is RevisionDoesNotExistException.",
    "service-role": "A deployment begins with CodeDeploy assuming the service role, and with what that needs to select "
    "instances, to suspend processes and to use the load balancers; a denial ends it before any instance is updated.",
    "balancer-checked": "A deployment whose load balancer is gone fails with ELASTIC_LOAD_BALANCING_INVALID, and one whose target "
    "group takes other targets than instances with ELB_INVALID_INSTANCE, before any instance is updated.",
    "zone-order": "A zonal configuration takes the zones in the order of their names, and on-premises instances after them as one "
    "zone; it has an effect in place only. After the last zone nothing is waited for.",
    "zone-baking": "Between two zones a deployment is Baking.",
    "alarm-polled": "An alarm that is active when a deployment begins, or becomes so, stops it at once, with the status Stopped "
    "and the code ALARM_ACTIVE. An alarm that is not there is not active.",
    "alarm-unread": "Alarms that the service role may not read stop the deployment with the code IAM_ROLE_PERMISSIONS, unless "
    "their failure is ignored.",
    "processes-resumed": "Of the Auto Scaling processes that a deployment suspends, it resumes those that were not suspended "
    "before.",
    "group-deleted": "A deployment whose group or application is deleted fails at once, with DEPLOYMENT_GROUP_MISSING or "
    "APPLICATION_MISSING.",
    "traffic-failure": "An AllowTraffic that failed has the code UnknownError and a message of the sandbox's own; AWS's user guide "
    "says that there is no script log, and public reports differ in the rest.",
    "trail-faults": "A call that a fault answers is not in Event history.",
    "fleet-errors": "A blue/green deployment whose group copies its Auto Scaling group, and that names target instances, is "
    "InvalidTargetInstancesException, as is one without a copy that names none; a copy of none, or of several, is "
    "InvalidAutoScalingGroupException.",
    "copied-group": "The copy of an Auto Scaling group is named after CodeDeploy, the deployment group and the deployment, "
    "and its instances are there at once.",
    "copy-needs": "To copy an Auto Scaling group the service role needs autoscaling:CreateAutoScalingGroup, and with a launch "
    "template ec2:RunInstances and ec2:CreateTags, and iam:PassRole for the role of its instances. A denial ends the deployment "
    "before anything is copied, with the code and the service that AWS's user guide names for the three. The copy gets its "
    "hooks whatever the role may.",
    "original-stays": "An original fleet that the service role may not end stays, and the deployment succeeds.",
    "blue-green-unfit": "A blue/green deployment of a group without a blue/green configuration or without a load balancer "
    "fails with the deployment's error code that is named so.",
    "blue-green-traffic": "A blue/green deployment reroutes traffic to the replacement fleet by its configuration, and then "
    "blocks the whole original fleet at the same time; it fails when each instance there fails.",
    "ready-timeout": "A blue/green deployment that no one continues in time has the error code TIMEOUT, beside the status "
    "Stopped that AWS documents.",
    "termination-wait": "A blue/green deployment is InProgress while it waits to terminate the original instances.",
    "green-fleet-next": "After a blue/green deployment that succeeded the group selects the replacement fleet.",
    "on-premises-traffic": "An on-premises instance has no events of a load balancer, whatever its group says.",
    "outdated": "With updateOutdatedInstancesOnly the instances are left out whose last successful deployment of the group "
    "had the same revision; where none is left, the deployment ends as that of a group without instances.",
    "continue-default": "ContinueDeployment without a wait type ends the wait for traffic to be rerouted.",
    "continue-termination": "ContinueDeployment of a termination that is not waited for is InvalidDeploymentStatusException.",
    "continue-in-place": "ContinueDeployment of a deployment in place is UnsupportedActionForDeploymentTypeException.",
    "rollback": "A rollback deploys the previousRevision of the deployment that failed, as soon as that has ended; "
    "where there is none, and after the failure of a rollback, nothing is deployed. That of a blue/green deployment allows "
    "the original fleet traffic again and blocks the other; one that had not begun to reroute is not rolled back. A rollback "
    "watches no alarms: the one that caused it is mostly still active.",
    "ignored-stop": "With ignoreApplicationStopFailures an ApplicationStop that fails counts as one that succeeded.",
    "target-health": "A target of a target group has the health that the scenario gives it; else one that is registered is "
    "healthy unless EC2 has stopped it. No health check is made, and no time passes in the state initial.",
    "scaling-activities": "An Auto Scaling group has the activities that the scenario gives it, and no others. Their texts are "
    "worded as AWS's user guide and knowledge base quote them; that a launch whose hook was abandoned is Cancelled was not seen.",
    "scripts-succeed": "The scripts of a revision are read, never run, and succeed unless the scenario says otherwise; "
    "only the first line, the names and the AppSpec file's version, os, files and hooks are read.",
    "yaml-message": "The message about an AppSpec file that is not YAML is worded by another parser than the agent's.",
    "other-revisions": "A revision in GitHub, and one in S3 that is not a zip archive, is taken to be there and sound.",
    "unmanaged-hosts": "A host that Systems Manager does not know has an agent that works.",
    "two-agents": "Of a host with two agents CodeDeploy says that an event did not run.",
    "deployment-messages": "The message beside a deployment's error code is the sandbox's own, where no text of AWS is "
    "known, and then ends in [sandbox].",
    "other-codes": "A result of the agent that the model's LifecycleErrorCode lacks, such as an output that is left "
    "open, is UnknownError.",
    "agent-in-ec2": "What an agent in EC2 logs is made from the source of agent 1.8.1, and of 1.1.2 where that is the agent; "
    "neither was run there. A metadata service that is off answers with HTTP 403, as AWS documents.",
    "credentials-last": "An agent in EC2 still polls after its role or its trust policy was changed, with credentials that "
    "have not expired.",
    "trail-at-once": "An event can be looked up as soon as the call has been answered; AWS delivers within minutes.",
    "trail-parameters": "The event of a call that failed has the parameters of the request.",
    "trail-denied": "The event of a call that was denied has the errorCode AccessDenied and no parameters.",
    "trail-response": "responseElements is always null.",
    "trail-read-only": "readOnly follows from how the operation's name begins.",
    "inventory-unknown": "ListInventoryEntries of a node that is not there answers with no entries.",
    "offline-node": "SendCommand to a node that has lost its connection is refused with InvalidInstanceId.",
    "invocation-late": "GetCommandInvocation finds no invocation the first time it is asked for one.",
    "any-key": "Any access key is accepted, and no signature is verified; AWS refuses both a key it does not know "
    "and a signature that does not fit. A caller with an unknown key may do everything.",
    "unsigned": "A request that needs no signature (AssumeRoleWithSAML, AssumeRoleWithWebIdentity) is always allowed, and "
    "CloudTrail's event names the user `unknown`.",
    "incomplete-signature": "A signature whose credential scope lacks a part is IncompleteSignature.",
    "unknown-operation": "An operation that the service does not have, or that is asked for under another service's "
    "name, is UnknownOperationException; InvalidAction in the query protocol, and MissingAction where none can be read. "
    "That comes before permissions.",
    "policy-document": "A trust policy that is not a JSON object is MalformedPolicyDocument; no more is asked of it.",
    "tag-key": "A tag of an application or a group has a key of 1 to 128 characters and a value of at most 256; any other "
    "is InvalidTagsToAddException.",
    "resource-tags": "An application or a group has at most 50 tags.",
    "tag-list": "ListTagsForResource answers all tags at once, reads no token, and answers none for a resource that is not "
    "there.",
    "rename": "The deployments, revisions and tags of an application or a group that gets another name stay with it. "
    "UpdateApplication without a new name changes nothing.",
    "delete-unknown": "DeleteApplication and DeleteDeploymentGroup of what is not there succeed and do nothing.",
    "delete-application": "With an application its groups, revisions and deployments are gone.",
    "update-empty": "UpdateDeploymentGroup changes what it is given; an empty list or structure removes what was there, and "
    "tag filters replace a tag set and the reverse.",
    "hooks-left": "A hook that the service role may not delete, or whose role is gone, stays and is in hooksNotCleanedUp.",
    "role-checked": "A group whose service role is not there, does not trust CodeDeploy, or may not put hooks on the group's "
    "Auto Scaling groups is InvalidRoleException.",
    "trust-conditions": "A condition in the trust policy of a service role holds.",
    "trigger-whole": "A trigger without its name, its topic or an event is InvalidTriggerConfigException.",
    "trigger-message": "A deployment publishes CREATED when it is created, and its subject is the status, the deployment, "
    "the Region and the application; errorInformation is an object.",
    "trigger-rollback": "DeploymentRollback is about the deployment that is rolled back, when its rollback begins.",
    "trigger-lost": "What the service role may not publish, or to a topic that is not there, is lost and stops nothing.",
    "skip-wait": "SkipWaitTimeForInstanceTermination of a deployment that does not wait to terminate its original instances is "
    "DeploymentNotStartedException.",
    "body-limit": "A request to an operation of the sandbox's own has at most 1 MiB, and a form at most 10,000 fields.",
    "any-resource": "An operation whose resources the sandbox does not know is allowed or denied as on `*`.",
    "denied-by": "A deny is put down to the first of these that denies: service control policy, identity policy, "
    "resource policy, boundary; a lack of permission to the first of service control policy, identity policy, boundary "
    "that does not allow.",
    "denied-text": "Every service words a denial in AWS's general form, and names the kind of policy.",
    "several-values": "A condition without a set operator holds for a key with several values when one of them "
    "matches; a negated one, when none of them does.",
    "eval-resource-name": "EvalResourceName is the pattern of an action's resources, with the names of the API's "
    "parameters in it, or `*`.",
    "matched-once": "Of several statements of one policy that matched, one is named, and without its place in the text.",
    "matched-source": "SourcePolicyType is `IAM Policy`, as users report, though the model has other values; an inline "
    "policy goes by `role_NAME_POLICY`.",
    "simulation-context": "A simulation knows the caller's ARN, account, name and tags, and nothing else that it is not "
    "told.",
    "simulation-missing": "A context key is missing when a statement about the action and the resource needs it; what "
    "an IfExists or a Null condition asks for is not needed.",
    "simulation-strictest": "Over several resources the decision about an action is the strictest one.",
}
