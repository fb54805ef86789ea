"""The only place that writes a command line, ours or AWS's: whatever a value holds, it stays one word of it."""

import shlex
from collections.abc import Iterable, Mapping

from runbooks.findings import Command
from runbooks.source import Place
from runbooks.text.mask import masked, plain

# In a sandbox's report a command for AWS asks the sandbox that the shell points at, never the reader's account.
SANDBOX_ENDPOINT = '--endpoint-url "$AWS_ENDPOINT_URL"'


def aws_cli(place: Place, service: str, operation: str, *values: str, **options: str | bool) -> Command:
    """A command of the AWS CLI: ``aws_cli(place, "deploy", "get-on-premises-instance", instance_name="web-01")``.

    An option that is True stands without a value. Its answer can be put into another command by `substituted`.
    """
    words = [
        "aws",
        service,
        operation,
        *values,
        *_words(options | {"region": place.region, "profile": place.profile}),
    ]
    return Command(_joined(words) + (f" {SANDBOX_ENDPOINT}" if place.sandbox else ""))


def substituted(command: Command, option: str, inner: Command) -> Command:
    """``command`` with ``option`` set to what ``inner`` prints."""
    return Command(f'{command} --{option} "$({inner})"')


def runbooks(place: Place, *words: str, **options: "Value") -> Command:
    """A command of this package, asked in the same place: ``runbooks(place, "diagnose", instance="web-01")``.

    Options that are empty are left out. A list repeats its option.
    """
    where = (
        {"sandbox": place.sandbox} if place.sandbox else {"region": place.region, "profile": place.profile}
    )
    return shell("runbooks", *words, **(options | where))


def shell(*words: str, **options: "Value") -> Command:
    """These words, then these options, as one command."""
    return Command(_joined([*words, *_words(options)]))


def script(text: str) -> Command:
    """A line for a shell whose values its writer has quoted (`shlex.quote`)."""
    return Command(_without_backticks(text))


def then(*commands: str) -> Command:
    """Commands one after the other, as long as each works; empty ones are left out."""
    return Command(" && ".join(filter(None, commands)))


def piped(*commands: str) -> Command:
    """Commands each of which reads what the one before it prints."""
    return Command(" | ".join(commands))


def shown(fix: str) -> str:
    """A fix as every reader may see it: made plain, and a command only where that left it whole."""
    safe = plain(fix)
    if not isinstance(fix, Command):
        return safe
    if safe == fix:
        return fix
    what = "a secret" if masked(fix) != fix else "what a terminal or a log acts upon"
    return f"The command holds {what}, so it is not shown."


Value = str | bool | None | Iterable[str]


def _joined(words: Iterable[str]) -> str:
    return _without_backticks(shlex.join(words))


def _without_backticks(line: str) -> str:
    """A command line that can stand between backticks: one of a value, which shlex put in quotes, is printed by its number."""
    return line.replace("`", r"""'"$(printf '\140')"'""")


def _words(options: Mapping[str, "Value"]) -> list[str]:
    words: list[str] = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif isinstance(value, str):
            words += _option(option, value) if value else []
        else:
            words += [word for item in value or () for word in _option(option, item)]
    return words


def _option(option: str, value: str) -> list[str]:
    # a value with a dash in front would be taken for an option
    return [f"{option}={value}"] if value.startswith("-") or not value else [option, value]
