"""The rules: each has the good state as its id and title, as a check has, and why it matters.

The pages of the rules are made from this table. An id never changes and is never removed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """What holds in a good AppSpec file or bundle."""

    id: str
    title: str  # the good state, one sentence
    why: str  # what happens otherwise
    group: str

    @property
    def page(self) -> str:
        """Where the guide explains it."""
        page = next(page for page, groups in PAGES.items() if self.group in groups)
        return f"/appspec/{page}/#{self.id}"


GROUPS = {
    "file": "The file",
    "top": "version, os and the top level",
    "files": "files",
    "hooks": "hooks",
    "permissions": "permissions",
    "bundle": "The bundle",
    "ecs": "Amazon ECS",
    "lambda": "AWS Lambda",
}
PAGES = {
    "server": ("file", "top", "files", "hooks", "permissions"),
    "bundle": ("bundle",),
    "ecs-lambda": ("ecs", "lambda"),
}

_TABLE: dict[str, dict[str, tuple[str, str]]] = {
    "file": {
        "appspec-is-readable": (
            "The AppSpec file is there and can be read.",
            "The hooks read only `appspec.yml` at the root of the revision, unless CodeDeploy names another file.",
        ),
        "appspec-is-small": (
            "The file is at most 1 MB, nested at most 50 deep, and holds at most 50,000 values.",
            "What is larger is not judged. The agents have no such limit.",
        ),
        "appspec-is-yaml": (
            "The file is valid YAML.",
            "The whole file is parsed at the first hook after DownloadBundle, so one wrong character fails BeforeInstall.",
        ),
        "appspec-has-no-byte-order-mark": (
            "The file does not begin with a byte-order mark.",
            "Agent 1.8.1 counts it as a space before the first key, so that it reads that key only and misses all others. Editors on Windows add it.",
        ),
        "appspec-is-one-document": (
            "The file holds one YAML document.",
            "Agent 1.8.1 reads the first document only and ignores the rest; 2.x refuses a second one.",
        ),
        "appspec-is-not-empty": (
            "The file is not empty.",
            "A file with comments only counts as empty.",
        ),
        "appspec-is-a-mapping": (
            "The file is a mapping of keys to values.",
            "A file that is one sentence or a list has no `version`, and fails with a message that does not say so.",
        ),
        "aliases-are-not-used": (
            "The file uses no YAML alias (`*name`).",
            "Agent 1.8.1 on Ruby 3.1 or later refuses every alias. Agent 2.x resolves an alias, but ignores the merge key `<<`.",
        ),
        "values-are-plain": (
            "No value is a date, a time or a Ruby object.",
            "Agent 1.8.1 on Ruby 3.1 or later refuses a value that YAML reads as a date or a time, wherever it stands. Quotes make it text.",
        ),
        "keys-are-unique": (
            "No key stands twice in one mapping.",
            "Agent 1.8.1 takes the last one in silence, so the first has no effect; 2.x refuses a section that has a key twice. Which one CodeDeploy takes in a file for ECS or Lambda is not verified.",
        ),
        "keys-are-known": (
            "Every key is one that the agent reads, in the right case.",
            "Both agents ignore an unknown key in silence: `Hooks`, `timeOut` or `users` change nothing.",
        ),
        "one-platform": (
            "The file is for one compute platform.",
            "The agent ignores `Resources` and installs nothing for it; CodeDeploy does not accept `os` or `files` for ECS and Lambda.",
        ),
    },
    "top": {
        "version-is-zero": (
            "`version` is the number 0.0.",
            'The message asks for "0.0", but the text "0.0" in quotes is refused with this same message.',
        ),
        "os-is-linux-or-windows": (
            "`os` is `linux` or `windows`, in lower case.",
            "Agent 1.8.1 accepts only the operating system of its own host; 2.x accepts both names on every host.",
        ),
        "file-exists-behavior-is-known": (
            "`file_exists_behavior` is `DISALLOW`, `OVERWRITE` or `RETAIN`, in upper case.",
            "When it is given, it wins over the option of the deployment.",
        ),
        "file-exists-behavior-is-at-the-top": (
            "`file_exists_behavior` stands at the top level.",
            "Below an entry of `files` it is ignored in silence: DISALLOW stays in force.",
        ),
        "section-is-well-formed": (
            "`files` and `permissions` are lists, `hooks` is a mapping.",
            "Anything else fails with a message of the Ruby or Rust runtime, which does not name the section.",
        ),
    },
    "files": {
        "file-has-source": (
            "Every entry of `files` has a `source`.",
            "An entry that is only a text fails with the same message. Agent 2.x also refuses an empty text.",
        ),
        "file-has-destination": (
            "Every entry of `files` has a `destination`.",
            "Agent 2.x also refuses an empty text.",
        ),
        "file-paths-are-text": (
            "`source` and `destination` are text.",
            "A number or a list fails agent 1.8.1 at Install.",
        ),
        "source-is-in-the-bundle": (
            "Every `source` is in the bundle, with the same case.",
            "Install fails when it copies a file that is not there. `source: /` is the whole bundle.",
        ),
        "source-has-no-wildcard": (
            "`source` has no wildcard.",
            "The agents take `*` as part of the name; there is no such file. Name the folder: its contents are copied.",
        ),
        "paths-are-written-out": (
            "No path holds a variable.",
            "The agents replace none: `/srv/${APP_NAME}` is a folder of that name.",
        ),
        "paths-are-plain": (
            "`source` and `destination` hold no line end, tab or other control character, and no space at an end.",
            "A text block (`|`) ends in a line end, and in double quotes `\\t` is a tab. The agents take both as part of the name.",
        ),
        "source-stays-in-the-bundle": (
            "`source` and `location` do not leave the bundle.",
            "A path with `..` reads files of the host with agent 1.8.1. Agent 2.1.0 and later refuse it, by AWS's announcement; 2.0 refuses it for a script, by its change log, and reads it for a source.",
        ),
        "destination-is-absolute": (
            "`destination` is an absolute path.",
            "A relative path is taken from the working directory of the agent, in silence.",
        ),
        "destination-is-a-folder": (
            "`destination` names the folder to copy into.",
            "It is always a folder: a destination that ends in the name of the file makes a folder of that name, with the file in it.",
        ),
        "destination-is-unique": (
            "No two sources are copied to one path.",
            "Install refuses a second file for a path, and a file where a folder is made.",
        ),
        "windows-path-is-short": (
            "No path is longer than Windows allows.",
            "Without long paths Windows refuses a path of 260 characters or more. The agent unpacks below its own long folder first.",
        ),
    },
    "hooks": {
        "event-is-known": (
            "Every hook is an event of the deployment, in the right case.",
            "Scripts below another name are never run, in silence.",
        ),
        "event-can-have-scripts": (
            "No scripts stand below an event that CodeDeploy keeps for itself.",
            "Start, DownloadBundle, Install, BlockTraffic, AllowTraffic and End are parsed and never run.",
        ),
        "scripts-are-a-list": (
            "The scripts of a hook are a list.",
            "A hook without scripts may be empty. A text or a mapping fails with a message of the runtime.",
        ),
        "script-is-a-mapping": (
            "Every script is a mapping with a `location`.",
            "A list of file names is not enough.",
        ),
        "script-has-location": (
            "Every script has a `location`.",
            "It may not be blank.",
        ),
        "location-is-a-plain-path": (
            "`location` is a path without spaces and without signs that a shell reads.",
            "Agent 1.8.1 passes it to Ruby as a command line: a space ends the name, and `&`, `;`, `$` and quotes go to the shell. With `runas`, so does 2.x. An AppSpec has no place for arguments.",
        ),
        "timeout-is-positive": (
            "`timeout` is a whole number of seconds, at least 1.",
            "Agent 1.8.1 takes the digits that a text begins with; a text without digits counts as 0. Agent 2.x takes a plain number only.",
        ),
        "timeouts-fit-the-event": (
            "The timeouts of one event come to 3600 seconds at most.",
            "CodeDeploy documents one hour for all scripts of an event. The agents do not add them up. A script without `timeout` has 3600, and is counted where another script of the event has a `timeout`.",
        ),
        "runas-has-an-effect": (
            "`runas` and `sudo` stand in an AppSpec for Linux.",
            "On Windows the agent ignores them in silence.",
        ),
        "account-is-on-the-host": (
            "The users and groups that are named are on every host.",
            "Agent 1.8.1 fails at Install for a missing owner or group; 2.x, by its source, leaves the file as it is in silence. The script fails for a missing `runas`. Only the host can show it.",
        ),
        "sudo-is-true-or-false": (
            "`sudo` is `true` or `false`.",
            "Agent 1.8.1 takes any value but false and null for true; 2.x takes the two words only.",
        ),
    },
    "permissions": {
        "permissions-are-for-linux": (
            "`permissions` stands in an AppSpec for Linux.",
            "Both agents refuse it with `os: windows`.",
        ),
        "permission-has-object": (
            "Every permission has an `object`.",
            "It may not be blank.",
        ),
        "mode-is-octal": (
            "`mode` has one to four digits from 0 to 7.",
            "Symbolic modes such as `u+x` are refused.",
        ),
        "mode-has-no-leading-zero": (
            "`mode` has no leading zero unless it is in quotes.",
            "Agent 1.8.1 reads 0644 as the number 420, and sets the mode 420. Others, as 0755 (493), are refused. Agent 2.x reads what is written.",
        ),
        "type-is-file-or-directory": (
            "`type` is a list of `file` and `directory`.",
            "A text in place of the list fails with a message of the runtime.",
        ),
        "pattern-fits-the-object": (
            "`pattern` and `except` stand only where the object is a folder.",
            "With an object that is a file being copied, Install fails. A pattern other than `**`, and `except`, match direct children only.",
        ),
        "pattern-can-match": (
            "`pattern` and `except` hold no sign but `*` that stands for others, and no `/`; `object` holds none.",
            "Agent 1.8.1 knows `**` alone, which means every depth, and `*` in the name of a direct child. `**/*.sh` matches nothing, and `?` is a question mark.",
        ),
        "except-is-a-list": (
            "`except` is a list.",
            "A text in place of the list fails with a message of the runtime.",
        ),
        "acls-are-valid": (
            "Every entry of `acls` has the form `[default:]KIND:NAME:PERMISSIONS`.",
            "KIND is u, g, m or o or the long word; PERMISSIONS is made of r, w, x and -, or is one digit from 0 to 7.",
        ),
        "acl-defaults-are-for-folders": (
            "A default ACL is not set on a file.",
            "With `type` left out, files are meant too, and Install fails.",
        ),
        "context-has-a-type": (
            "`context` has a `type`.",
            "Without it both agents refuse the file.",
        ),
        "context-range-is-valid": (
            "`range` has the form `sN[-sN][:cN[.cN][,…]]`.",
            "The low sensitivity comes first, categories go up to 1023, and none stands twice.",
        ),
        "context-has-a-range": (
            "`context` has a `range`.",
            "Agent 1.8.1 fails at Install without one, with a message of the Ruby runtime.",
        ),
        "object-is-named-once": (
            "Every object gets one permission.",
            "Install refuses a second one for the same file or folder, also when two patterns meet there.",
        ),
        "object-is-deployed": (
            "The object is installed by this AppSpec.",
            "A permission for something that this deployment does not copy is ignored in silence. The object itself is never changed, and a folder that was there before keeps its mode.",
        ),
    },
    "bundle": {
        "bundle-is-safe": (
            "The bundle has no absolute path, no `..`, and no link that leaves it.",
            "An entry with `..` fails to unpack from a tar, and is moved from a zip. Of a link that leads out, Install copies the link, or, where it leads to a folder of the host, what is in that folder.",
        ),
        "bundle-is-bearable": (
            "The bundle can be judged: at most 100,000 entries, and no member unpacks to more than it may.",
            "What is larger is not judged. Nothing is ever unpacked to the disk.",
        ),
        "bundle-is-an-archive": (
            "The bundle is a zip, a tar or a tar.gz that can be read.",
            "Agent 1.8.1 unpacks by the bundle type of the revision, not by the name of the file.",
        ),
        "appspec-is-at-the-root": (
            "`appspec.yml` is at the root of the bundle, or in its one top folder.",
            "One single top folder that holds an AppSpec is removed when the bundle is unpacked; a deeper one is not found.",
        ),
        "appspec-has-its-name": (
            "The file is named `appspec.yml`, all in lower case.",
            "The hooks of agent 1.8.1 find `appspec.yaml` only when the deployment names it.",
        ),
        "script-is-in-the-bundle": (
            "Every script is in the bundle, with the same case.",
            "The hook fails with ScriptMissing. A link is followed; one that leads to nothing counts as missing.",
        ),
        "script-is-for-its-system": (
            "Every script is one that the hosts can run.",
            "Linux does not run PowerShell or batch files, and Windows starts a `.sh` only where a program for it is installed.",
        ),
        "script-is-executable": (
            "Every script has its x bit.",
            "The agent sets the bit and logs a warning; it fails where it may not. Behind a link 1.8.1 does not set it, and the script fails. A zip made on Windows has no such bits.",
        ),
        "script-has-unix-line-ends": (
            "Every script ends its lines as Unix does.",
            "With CRLF the first line names an interpreter that is not there, and the hook fails before it starts.",
        ),
        "script-has-an-interpreter": (
            "Every script begins with `#!` and an interpreter.",
            "Linux gives all that follows the interpreter as one argument: `env` needs `-S` for more. Without `#!` agent 1.8.1 runs the script by `/bin/sh`, whatever it was written for; 2.x cannot start it, by its source, unless `runas` names a user.",
        ),
        "timeout-is-long-enough": (
            "No script waits longer than its `timeout`.",
            "A script that sleeps for longer is stopped, and the hook fails with ScriptTimedOut.",
        ),
    },
    "ecs": {
        "ecs-resources-are-well-formed": (
            "`Resources` is a list of one mapping: a name with `Type` and `Properties`.",
            "CodeDeploy refuses the revision when the deployment is created.",
        ),
        "ecs-task-definition-is-given": (
            "`TaskDefinition` is the full ARN of a task definition.",
            "CodeDeploy needs it to make the replacement task set.",
        ),
        "ecs-load-balancer-is-given": (
            "`LoadBalancerInfo` is a mapping with `ContainerName` and the number `ContainerPort`.",
            "It is inside `Properties`, and is not a list.",
        ),
        "ecs-network-is-complete": (
            "`AwsvpcConfiguration` has `Subnets`, `SecurityGroups` and `AssignPublicIp`.",
            "All three, or none of them. AssignPublicIp is ENABLED or DISABLED.",
        ),
        "ecs-capacity-is-valid": (
            "`CapacityProviderStrategy` is a list with at most one `Base` and a `Weight` above 0.",
            "It stands inside `Properties`.",
        ),
        "resource-hooks-are-a-list": (
            "`Hooks` is a list of mappings with one event and one Lambda function each.",
            "The hooks of a server AppSpec are a mapping: that is the commonest confusion.",
        ),
        "resource-event-is-known": (
            "Every hook is an event of the platform.",
            "ECS has BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic and AfterAllowTraffic; Lambda has BeforeAllowTraffic and AfterAllowTraffic.",
        ),
    },
    "lambda": {
        "lambda-properties-are-given": (
            "`Name`, `Alias`, `CurrentVersion` and `TargetVersion` are given.",
            "CodeDeploy moves the alias from the current version to the target version.",
        ),
        "lambda-versions-differ": (
            "The two versions are numbers and differ.",
            "`$LATEST` is not a version that an alias can shift traffic to.",
        ),
    },
}  # fmt: skip

RULES: dict[str, Rule] = {
    id: Rule(id, title, why, group) for group, rows in _TABLE.items() for id, (title, why) in rows.items()
}
