"""The options that several commands share. What a diagnosis can be asked comes from the table of `runbooks.question`."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from runbooks.errors import UserError
from runbooks.question import PARAMETERS


def not_empty(value: str | None) -> str | None:
    """Refuse "", which an unset variable of a shell leaves behind and which would ask something else."""
    if value == "":
        raise typer.BadParameter("it is empty; give a value, or leave the option out")
    return value


def text(help: str, **more: Any) -> Any:
    """An option that holds text."""
    return typer.Option(help=help, callback=not_empty, **more)


Profile = Annotated[str | None, text("A profile of your AWS configuration.")]
Region = Annotated[
    str | None,
    text(
        "The Region; default: that of a link, an ARN or an event that is asked about, AWS_REGION, or the profile's."
    ),
]
SandboxScenario = Annotated[str | None, text("Ask the sandbox with this scenario instead of AWS.")]
Probe = Annotated[
    bool, typer.Option("--probe", help="Let Systems Manager run the read-only probe on the host.")
]


def question_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` one option for each parameter of the question; those given reach it as the dict ``asked``."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "asked"]
    added = [
        inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(row))
        for row in PARAMETERS
    ]

    @wraps(command)
    def with_options(**values: Any) -> None:
        asked = {row.name: values.pop(row.name) for row in PARAMETERS}
        command(**values, asked={name: value for name, value in asked.items() if value is not None})

    ordered = sorted([*own, *added], key=lambda parameter: parameter.kind)
    vars(with_options)["__signature__"] = signature.replace(parameters=ordered)
    return with_options


def _annotation(row: Any) -> Any:
    kind, help = row.metadata["kind"], row.metadata["help"]
    # None is no filter, so an empty status is a value; another text that is empty is a slip
    refused = kind is str and row.default is not None
    option = text(help) if refused else typer.Option(help=help, show_default=False)
    return Annotated[kind | None, option]


_ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".json": "json",
    ".sarif": "sarif",
}


_Form = TypeVar("_Form", bound=StrEnum)


def form_of(given: _Form | None, output: Path | None, forms: type[_Form]) -> _Form:
    """The form to write in: the one ``given`` by --format, else that of the ending of the file, else text.

    Raises `UserError` for an ending whose form the command does not have.
    """
    wanted = given or _ENDINGS.get(output.suffix.lower() if output else "", "text")
    if wanted not in list(forms):
        raise UserError(
            f"This command writes no {wanted}: give {output} another ending, or --format with one of {', '.join(forms)}."
        )
    return forms(wanted)


def target_of(sandbox: str | None, profile: str | None) -> str:
    """The target of `connect` that these options name."""
    if sandbox and profile:
        raise UserError("--sandbox and --profile exclude each other: the sandbox needs no account.")
    return f"sandbox:{sandbox}" if sandbox else "aws"


def absolute(path: Path) -> str:
    """A path that holds in another working directory too."""
    return str(path.absolute())
