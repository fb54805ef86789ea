"""Turn the text of a person or a variable into a valid status."""

import sys

STATUSES = ("Registered", "Deregistered")


def registration_status(text: str | None) -> str | None:
    """The status as CodeDeploy spells it; None means no filter.

    Case and spaces around it do not matter. ValueError: any other text.
    """
    if text is None:
        return None
    word = text.strip().capitalize() if isinstance(text, str) else text
    if word == "":
        return None
    if word not in STATUSES:
        allowed = f"{' or '.join(STATUSES)}, not {text!r}"
        raise ValueError(f"registration status must be {allowed}")
    return word


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: validate.py STATUS")
    try:
        print(registration_status(sys.argv[1]))
    except ValueError as error:
        sys.exit(str(error))
