"""`runbooks checks`."""

from runbooks.cli.app import app
from runbooks.streams import say


@app.command()
def checks() -> None:
    """List every check, with the calls and IAM actions it needs.

    Each with its id, the state that is good, and its page.
    """
    from runbooks.checks import all_checks
    from runbooks.policy import actions, calls
    from runbooks.text.links import page_url

    for check in all_checks():
        apis = calls(check.id)
        say(
            f"{check.id}\n    {check.title}\n"
            f"    calls   {', '.join(apis) or 'none'}\n"
            f"    needs   {', '.join(actions(apis, probe=True)) or 'no permission'}\n"
            f"    page    {page_url(f'/checks/#{check.id}')}\n"
        )
