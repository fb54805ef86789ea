"""The AppSpec of ECS and Lambda, which no agent reads: CodeDeploy judges it when the deployment is created.

From AWS's user guide, not verified against the service. It writes the keys in two cases, so both are accepted.
"""

import re
from collections.abc import Iterator

from runbooks.appspec import showing
from runbooks.appspec.fault import Fault, fault
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null, nodes
from runbooks.appspec.values import closest, seen

TOP = ("version", "resources", "hooks")
EVENTS = {
    "ecs": (
        "BeforeInstall",
        "AfterInstall",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AfterAllowTraffic",
    ),
    "lambda": ("BeforeAllowTraffic", "AfterAllowTraffic"),
}
TYPES = {"AWS::ECS::Service": "ecs", "AWS::Lambda::Function": "lambda"}
_TASK_DEFINITION = re.compile(r"^arn:[\w-]+:ecs:[\w-]+:\d{12}:task-definition/[\w-]+(:\d+)?$")
_PLACEHOLDER = re.compile(
    r"<[\w.-]+>|\$\{\w|\$(?!LATEST\b)\w"
)  # CodePipeline and templates fill these in later


def get(node: Node | None, key: str) -> Node | None:
    """The value of a key in either case."""
    if not isinstance(node, Mapping):
        return None
    found = [value for name, value in node.pairs if showing.to_s(name).lower() == key.lower()]
    return found[-1] if found else None


def key_of(node: Mapping, key: str) -> Node:
    """The key itself, in either case; the mapping where it has none."""
    return next((name for name, _ in node.pairs if showing.to_s(name).lower() == key.lower()), node)


def platform(root: Mapping) -> str:
    """ "ecs", "lambda", "resources" for one of the two, or "server"."""
    resources = get(root, "resources")
    if resources is None or any(root.get(key) is not None for key in ("os", "files", "permissions")):
        return "server"
    kinds = [TYPES.get(showing.to_s(get(resource, "type")), "") for _, resource in _resources(resources)]
    return next(filter(None, kinds), "resources")


def judge(root: Mapping) -> Iterator[Fault]:
    """Every fault of an AppSpec for ECS or Lambda."""
    kind = platform(root)
    yield from _version(root)
    yield from _twice(root)
    for key, _ in root.pairs:
        word = showing.to_s(key)
        if word.lower() not in TOP:
            near = closest(word, ("version", "Resources", "Hooks"))
            yield fault(
                "keys-are-known",
                key.mark,
                f"An AppSpec for ECS or Lambda has no key {word[:80]!r}.",
                about=word,
                fix=f"Write {near}." if near else "Remove it.",
            )
    resources = get(root, "resources")
    found = _resources(resources)
    if not isinstance(resources, Sequence) or len(found) != 1 or not isinstance(found[0][1], Mapping):
        many = len(found) if found else "no"
        yield _bad(
            "ecs-resources-are-well-formed",
            resources or root,
            f"Resources is {seen(resources)} of {many} resources; it must be a list of one."
            if isinstance(resources, Sequence)
            else f"Resources is {seen(resources)}; it must be a list with one resource.",
            "Resources",
            "Write `Resources:`, below it `- TargetService:`, below that Type and Properties.",
        )
    for name, resource in found[:50]:
        yield from _resource(name, resource, kind)
    yield from _hooks(root, kind)


def _resources(node: Node | None) -> list[tuple[str, Node]]:
    items = node.items if isinstance(node, Sequence) else [node] if isinstance(node, Mapping) else []
    return [
        (showing.to_s(key), value) for item in items if isinstance(item, Mapping) for key, value in item.pairs
    ]


def _bad(rule: str, node: Node, says: str, about: str, fix: str) -> Fault:
    return fault(rule, node.mark, says, about=about, fix=fix, service="")


def _twice(root: Mapping) -> Iterator[Fault]:
    for node in nodes(root):
        known: set[str] = set()
        for key, _ in node.pairs if isinstance(node, Mapping) else ():
            word = showing.to_s(key)
            if word.lower() in known:
                yield fault(
                    "keys-are-unique",
                    key.mark,
                    f"The key {word[:80]} stands twice; which of the two CodeDeploy takes is not verified.",
                    about=word,
                    fix="Remove one.",
                )
            known.add(word.lower())


def _version(root: Mapping) -> Iterator[Fault]:
    node = root.get("version") or get(root, "version")
    if not (isinstance(node, Scalar) and node.text in ("0.0", "0")):
        yield fault(
            "version-is-zero",
            (node or root).mark,
            f"version is {seen(node)}; AWS documents 0.0 only.",
            about="version",
            fix="Write `version: 0.0`.",
        )


def _resource(name: str, resource: Node, kind: str) -> Iterator[Fault]:
    about = f"Resources.{name}"
    if not isinstance(resource, Mapping):
        return
    stated = get(resource, "type")
    if TYPES.get(showing.to_s(stated)) is None:
        yield _bad(
            "ecs-resources-are-well-formed",
            stated or resource,
            f"The Type of {name} is {seen(stated)}; it must be {' or '.join(TYPES)}.",
            f"{about}.Type",
            "Write `Type: AWS::ECS::Service` or `Type: AWS::Lambda::Function`.",
        )
    for key, _ in resource.pairs:
        word = showing.to_s(key)
        if word.lower() not in ("type", "properties"):
            yield _bad(
                "ecs-resources-are-well-formed",
                key,
                f"{word[:80]} stands beside Properties; it belongs inside them, or nowhere.",
                f"{about}.{word}",
                "Indent it below Properties.",
            )
    properties = get(resource, "properties")
    if not isinstance(properties, Mapping):
        yield _bad(
            "ecs-resources-are-well-formed",
            properties or resource,
            f"The Properties of {name} are {seen(properties)}; they must be a mapping.",
            f"{about}.Properties",
            "Write the properties below `Properties:`.",
        )
        return
    if kind == "ecs":
        yield from _ecs(properties, f"{about}.Properties")
    elif kind == "lambda":
        yield from _lambda(properties, f"{about}.Properties")


def _unknown(properties: Mapping, known: tuple[str, ...], about: str) -> Iterator[Fault]:
    for key, _ in properties.pairs:
        word = showing.to_s(key)
        if word.lower() not in [each.lower() for each in known]:
            near = closest(word, known)
            yield fault(
                "keys-are-known",
                key.mark,
                f"There is no property {word[:80]!r} here.",
                about=f"{about}.{word}",
                fix=f"Write {near}." if near else f"The properties are {', '.join(known)}.",
            )


def _ecs(properties: Mapping, about: str) -> Iterator[Fault]:
    known = (
        "TaskDefinition", "LoadBalancerInfo", "PlatformVersion", "NetworkConfiguration", "CapacityProviderStrategy"
    )  # fmt: skip
    yield from _unknown(properties, known, about)
    task = get(properties, "TaskDefinition")
    text = showing.to_s(task)
    if not _TASK_DEFINITION.match(text) and not _PLACEHOLDER.search(text):
        yield _bad(
            "ecs-task-definition-is-given",
            task or properties,
            f"TaskDefinition is {seen(task)}; it must be the full ARN, with its revision.",
            f"{about}.TaskDefinition",
            "Write arn:aws:ecs:REGION:ACCOUNT:task-definition/NAME:REVISION.",
        )
    yield from _load_balancer(get(properties, "LoadBalancerInfo"), properties, about)
    yield from _network(get(properties, "NetworkConfiguration"), f"{about}.NetworkConfiguration")
    yield from _capacity(get(properties, "CapacityProviderStrategy"), f"{about}.CapacityProviderStrategy")


def _load_balancer(node: Node | None, properties: Mapping, about: str) -> Iterator[Fault]:
    rule, place = "ecs-load-balancer-is-given", f"{about}.LoadBalancerInfo"
    if not isinstance(node, Mapping):
        fix = "Write ContainerName and ContainerPort below it, without a dash."
        yield _bad(
            rule, node or properties, f"LoadBalancerInfo is {seen(node)}; it must be a mapping.", place, fix
        )
        return
    name, port = get(node, "ContainerName"), get(node, "ContainerPort")
    if not showing.to_s(name).strip() or not isinstance(name, Scalar):
        yield _bad(
            rule,
            name or node,
            f"ContainerName is {seen(name)}.",
            place,
            "Name a container of the task definition.",
        )
    number = port.value if isinstance(port, Scalar) else None
    valid = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 65535
    if not valid and not _PLACEHOLDER.search(showing.to_s(port)):
        yield _bad(
            rule,
            port or node,
            f"ContainerPort is {seen(port)}; it must be a number from 1 to 65535.",
            place,
            "Write the port without quotes.",
        )


def _network(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None:
        return
    inner = get(node, "AwsvpcConfiguration")
    fields = ("Subnets", "SecurityGroups", "AssignPublicIp")
    left_out = [field for field in fields if is_null(get(inner, field))]
    if left_out:
        yield _bad(
            "ecs-network-is-complete",
            inner or node,
            f"AwsvpcConfiguration has no {' and no '.join(left_out)}.",
            about,
            "Give all three, or leave NetworkConfiguration out.",
        )
    for field in fields[:2]:
        value = get(inner, field)
        if value is not None and not is_null(value) and not isinstance(value, Sequence):
            yield _bad(
                "ecs-network-is-complete",
                value,
                f"{field} is {seen(value)}; it must be a list.",
                about,
                "Write a list.",
            )
    public = get(inner, "AssignPublicIp")
    if public is not None and showing.to_s(public) not in ("ENABLED", "DISABLED", ""):
        yield _bad(
            "ecs-network-is-complete",
            public,
            f"AssignPublicIp is {seen(public)}; it must be ENABLED or DISABLED.",
            about,
            "Write ENABLED or DISABLED.",
        )


def _capacity(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None:
        return
    rule = "ecs-capacity-is-valid"
    if not isinstance(node, Sequence):
        yield _bad(rule, node, f"CapacityProviderStrategy is {seen(node)}; it must be a list.", about, "Write a list.")  # fmt: skip
        return
    bases = [base for item in node.items if (base := get(item, "Base")) and showing.to_s(base) != "0"]
    weights = [weight.value for item in node.items if isinstance(weight := get(item, "Weight"), Scalar)]
    if len(bases) > 1:
        yield _bad(
            rule,
            bases[1],
            "Two capacity providers have a Base; one may.",
            about,
            "Remove one Base.",
        )
    if weights and not any(isinstance(weight, int) and weight > 0 for weight in weights):
        yield _bad(rule, node, "No capacity provider has a Weight above 0.", about, "Give one a Weight.")
    for item in node.items:
        if is_null(get(item, "CapacityProvider")):
            yield _bad(rule, item, "An entry has no CapacityProvider.", about, "Name the provider.")


def _lambda(properties: Mapping, about: str) -> Iterator[Fault]:
    fields = ("Name", "Alias", "CurrentVersion", "TargetVersion")
    yield from _unknown(properties, fields, about)
    for field in fields:
        node = get(properties, field)
        if not isinstance(node, Scalar) or not node.text.strip():
            yield _bad(
                "lambda-properties-are-given",
                node or properties,
                f"{field} is {seen(node)}.",
                f"{about}.{field}",
                f"Add `{field}:`.",
            )
    versions = [get(properties, field) for field in fields[2:]]
    for field, node in zip(fields[2:], versions, strict=True):
        text = node.text if isinstance(node, Scalar) else ""
        if node is not None and text and not re.match(r"^[1-9]\d*$", text) and not _PLACEHOLDER.search(text):
            yield _bad(
                "lambda-versions-differ",
                node,
                f"{field} is {seen(node)}; it must be the number of a published version.",
                f"{about}.{field}",
                "Publish a version and write its number.",
            )
    first, second = (node.text if isinstance(node, Scalar) else "" for node in versions)
    if first and first == second and versions[1] is not None:
        yield fault(
            "lambda-versions-differ",
            versions[1].mark,
            f"CurrentVersion and TargetVersion are both {first[:80]}: there is nothing to shift.",
            about=f"{about}.TargetVersion",
            fix="Write the number of the new version.",
        )


def _hooks(root: Mapping, kind: str) -> Iterator[Fault]:
    node = get(root, "hooks")
    if node is None or is_null(node):
        return
    if not isinstance(node, Sequence):
        yield _bad(
            "resource-hooks-are-a-list",
            node,
            f"Hooks is {seen(node)}; for ECS and Lambda it must be a list.",
            "Hooks",
            'Begin each event with a dash: `- BeforeAllowTraffic: "function"`.',
        )
    items = node.items if isinstance(node, Sequence) else [node]
    for item in items:
        if not isinstance(item, Mapping) or not item.pairs:
            yield _bad(
                "resource-hooks-are-a-list",
                item,
                f"A hook is {seen(item)}; it must be one event with one function.",
                "Hooks",
                'Write `- BeforeAllowTraffic: "function"`.',
            )
            continue
        for key, function in item.pairs:
            yield from _hook(key, function, kind)


def _hook(key: Node, function: Node, kind: str) -> Iterator[Fault]:
    event = showing.to_s(key)
    known = EVENTS.get(kind, EVENTS["ecs"])
    if event not in known:
        near = closest(event, known)
        yield _bad(
            "resource-event-is-known",
            key,
            f"There is no event {event[:80]!r} in a deployment to {'AWS Lambda' if kind == 'lambda' else 'Amazon ECS'}.",
            f"Hooks.{event}",
            f"Write {near}." if near else f"Use one of {', '.join(known)}.",
        )
    if not isinstance(function, Scalar) or not function.text.strip():
        yield _bad(
            "resource-hooks-are-a-list",
            function,
            f"The function of {event[:80]} is {seen(function)}; it must be the name or the ARN of one Lambda function.",
            f"Hooks.{event}",
            "Write its name or ARN.",
        )
