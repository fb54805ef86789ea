"""A faulty AppSpec for each rule; the line of the fault ends with ``# here``, or it is the first."""

TOP = "version: 0.0\nos: linux\n"
WINDOWS = "version: 0.0\nos: windows\n"
FILES = "files:\n  - source: app\n    destination: /srv/app\n"
HOOK = "hooks:\n  AfterInstall:\n    - location: run.sh\n"
OBJECT = "permissions:\n  - object: /srv/app\n"
SCRIPT = b"#!/bin/sh\nexit 0\n"
ECS = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:7
        LoadBalancerInfo:
          ContainerName: shop
          ContainerPort: 8080
"""
LAMBDA = """version: 0.0
Resources:
  - shop:
      Type: AWS::Lambda::Function
      Properties:
        Name: shop
        Alias: live
        CurrentVersion: 1
        TargetVersion: 2
Hooks:
  - BeforeAllowTraffic: check-shop
"""

# rule: the AppSpec file, judged alone
FILE: dict[str, str] = {
    "appspec-is-yaml": TOP + "note: a shop: open  # here",
    "appspec-is-one-document": TOP + "---  # here\nx: 1\n",
    "appspec-has-no-byte-order-mark": "\ufeff" + TOP,
    "appspec-is-not-empty": "# only a comment\n",
    "appspec-is-a-mapping": "- version: 0.0  # here\n",
    "aliases-are-not-used": TOP + "x: &a {timeout: 1}\nhooks:\n  AfterInstall:\n    - <<: *a  # here\n      location: a\n",
    "values-are-plain": TOP + "note: 2026-11-26  # here\n",
    "keys-are-unique": TOP + "os: linux  # here\n",
    "keys-are-known": TOP + "Files: []  # here\n",
    "one-platform": TOP + "resources: []  # here\n",
    "version-is-zero": "version: '0.0'  # here\nos: linux\n",
    "os-is-linux-or-windows": "version: 0.0\nos: Linux  # here\n",
    "file-exists-behavior-is-known": TOP + "file_exists_behavior: REPLACE  # here\n",
    "file-exists-behavior-is-at-the-top": TOP + FILES + "    file_exists_behavior: RETAIN  # here\n",
    "section-is-well-formed": TOP + "files:\n  source: app  # here\n  destination: /srv\n",
    "file-has-source": TOP + "files:\n  - destination: /srv  # here\n",
    "file-has-destination": TOP + "files:\n  - source: app  # here\n",
    "file-paths-are-text": TOP + "files:\n  - source: 7  # here\n    destination: /srv\n",
    "source-has-no-wildcard": TOP + "files:\n  - source: app/*.js  # here\n    destination: /srv\n",
    "paths-are-written-out": TOP + "files:\n  - source: app\n    destination: /srv/${APP_NAME}  # here\n",
    "paths-are-plain": WINDOWS + 'files:\n  - source: app\n    destination: "C:\\temp\\app"  # here\n',
    "source-stays-in-the-bundle": TOP + "files:\n  - source: ../etc  # here\n    destination: /srv\n",
    "destination-is-absolute": TOP + "files:\n  - source: app\n    destination: srv  # here\n",
    "destination-is-a-folder": TOP + "files:\n  - source: app/a.conf\n    destination: /etc/a.conf  # here\n",
    "event-is-known": TOP + "hooks:\n  afterInstall:  # here\n    - location: run.sh\n",
    "event-can-have-scripts": TOP + "hooks:\n  DownloadBundle:  # here\n    - location: run.sh\n",
    "scripts-are-a-list": TOP + "hooks:\n  AfterInstall: run.sh  # here\n",
    "script-is-a-mapping": TOP + "hooks:\n  AfterInstall:\n    - run.sh  # here\n",
    "script-has-location": TOP + "hooks:\n  AfterInstall:\n    - timeout: 5  # here\n",
    "location-is-a-plain-path": TOP + HOOK.replace("run.sh", "run.sh --now  # here"),
    "timeout-is-positive": TOP + HOOK + "      timeout: soon  # here\n",
    "timeouts-fit-the-event": TOP + HOOK + "      timeout: 3000\n    - location: b\n      timeout: 601  # here\n",
    "runas-has-an-effect": WINDOWS + HOOK + "      runas: Administrator  # here\n",
    "account-is-on-the-host": TOP + HOOK + "      runas: shop  # here\n",
    "sudo-is-true-or-false": TOP + HOOK + "      sudo: yes  # here\n",
    "permissions-are-for-linux": WINDOWS + "permissions:  # here\n  - object: c:\\app\n    mode: 644\n",
    "permission-has-object": TOP + "permissions:\n  - mode: 644  # here\n",
    "mode-is-octal": TOP + OBJECT + "    mode: rwx  # here\n",
    "mode-has-no-leading-zero": TOP + OBJECT + "    mode: 0755  # here\n",
    "type-is-file-or-directory": TOP + OBJECT + "    type: [folder]  # here\n",
    "pattern-fits-the-object": TOP + FILES + "permissions:\n  - object: /srv/app/a.txt\n    pattern: a*  # here\n",
    "pattern-can-match": TOP + OBJECT + "    pattern: '**/*.sh'  # here\n",
    "except-is-a-list": TOP + OBJECT + "    except: a.txt  # here\n",
    "acls-are-valid": TOP + OBJECT + "    acls: ['u:ann:rwX']  # here\n",
    "acl-defaults-are-for-folders": TOP + FILES + OBJECT + "    acls: ['d:u:ann:rwx']  # here\n",
    "context-has-a-type": TOP + OBJECT + "    context: {name: system_u}  # here\n",
    "context-range-is-valid": TOP + OBJECT + "    context: {type: t, range: s3-s0}  # here\n",
    "context-has-a-range": TOP + FILES + OBJECT + "    context: {type: t}  # here\n",
    "object-is-named-once": TOP + FILES + OBJECT + "  - object: /srv/app  # here\n",
    "object-is-deployed": TOP + FILES + "permissions:\n  - object: /opt/shop  # here\n",
    "ecs-resources-are-well-formed": ECS.replace("Service\n", "Services  # here\n"),
    "ecs-task-definition-is-given": ECS.replace("arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:7", "shop:7  # here"),
    "ecs-load-balancer-is-given": ECS.replace("8080", '"http"  # here'),
    "ecs-network-is-complete": ECS + "        NetworkConfiguration:\n          AwsvpcConfiguration:\n            Subnets: [a]  # here\n",
    "ecs-capacity-is-valid": ECS + "        CapacityProviderStrategy:\n          - {CapacityProvider: a, Weight: 0}  # here\n",
    "resource-hooks-are-a-list": ECS + "Hooks:\n  AfterInstall: check  # here\n",
    "resource-event-is-known": ECS + "Hooks:\n  - ApplicationStop: check  # here\n",
    "lambda-properties-are-given": LAMBDA.replace("Alias: live", "Alias:  # here"),
    "lambda-versions-differ": LAMBDA.replace("TargetVersion: 2", "TargetVersion: 1  # here"),
}  # fmt: skip

_LONG = "/".join(["x" * 50] * 5)

# rule: the files of a bundle, with the AppSpec in it
BUNDLE: dict[str, dict[str, bytes]] = {
    "source-is-in-the-bundle": {
        "appspec.yml": (TOP + "files:\n  - source: App  # here\n    destination: /srv\n").encode(),
        "app/a": b"",
    },
    "destination-is-unique": {
        "appspec.yml": (TOP + FILES + "  - source: new/a.txt  # here\n    destination: /srv/app\n").encode(),
        "app/a.txt": b"",
        "new/a.txt": b"",
    },
    "windows-path-is-short": {"appspec.yml": WINDOWS.encode(), _LONG: b""},
    "script-is-in-the-bundle": {
        "appspec.yml": (TOP + "hooks:\n  AfterInstall:\n    - location: Run.sh  # here\n").encode(),
        "run.sh": SCRIPT,
    },
    "script-is-for-its-system": {
        "appspec.yml": (TOP + "hooks:\n  AfterInstall:\n    - location: run.ps1  # here\n").encode(),
        "run.ps1": b"Write-Host done\n",
    },
    "script-is-executable": {"appspec.yml": (TOP + HOOK).encode(), "run.sh": SCRIPT},
    "script-has-unix-line-ends": {
        "appspec.yml": (TOP + HOOK).encode(),
        "run.sh": b"#!/bin/sh\r\nexit 0\r\n",
    },
    "script-has-an-interpreter": {"appspec.yml": (TOP + HOOK).encode(), "run.sh": b"exit 0\n"},
    "timeout-is-long-enough": {
        "appspec.yml": (TOP + HOOK + "      timeout: 60  # here\n").encode(),
        "run.sh": b"#!/bin/sh\nsleep 30\nsleep 2m\n",
    },
    "appspec-is-at-the-root": {"a/b/appspec.yml": TOP.encode()},
    "appspec-has-its-name": {"appspec.yaml": TOP.encode()},
}
