"""Turn what a person or a variable says into a status of CodeDeploy."""

import sys

STATUSES = ("Registered", "Deregistered")


def registration_status(text: str | None) -> str | None:
    """The status as CodeDeploy spells it; None, for no filter, if there is none.

    Upper and lower case and blanks around the word are forgiven. Anything else
    is a ValueError.
    """
    if text is None:
        return None
    word = text.strip().capitalize() if isinstance(text, str) else text
    if word == "":
        return None
    if word not in STATUSES:
        allowed = " or ".join(STATUSES)
        raise ValueError(f"registration status must be {allowed}, not {text!r}")
    return word


if __name__ == "__main__":
    try:
        print(registration_status(sys.argv[1]))
    except ValueError as error:
        sys.exit(str(error))
