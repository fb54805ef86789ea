"""The application that every command registers with."""

import typer

app = typer.Typer(
    help="Diagnose AWS CodeDeploy: what is wrong, with proof, from your account or from an embedded sandbox.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
