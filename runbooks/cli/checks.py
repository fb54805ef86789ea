"""`runbooks checks`."""

from runbooks.cli.app import app
from runbooks.streams import say


@app.command()
def checks() -> None:
    """List every check, with the calls and IAM actions it needs.

    Each with its id, the state that is good, and its page. The last ones are made by `runbooks preflight` alone.
    """
    from runbooks.checks import all_checks, page_of, predictions
    from runbooks.policy import actions, calls
    from runbooks.text.links import page_url

    for check in (*all_checks(), *predictions()):
        apis = calls(check.id)
        say(
            f"{check.id}\n    {check.title}\n"
            f"    calls   {', '.join(apis) or 'none'}\n"
            f"    needs   {', '.join(actions(apis, probe=True)) or 'no permission'}\n"
            f"    page    {page_url(page_of(check))}\n"
        )
