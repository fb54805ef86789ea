"""Entries of an access control list, as each agent parses them."""

from runbooks.appspec import messages

_KINDS = {"m": "mask", "o": "other", "g": "group", "u": "user"} | {
    k: k for k in ("mask", "other", "group", "user")
}


def acl_1(entry: str) -> str:
    """What agent 1.8.1 says of an entry; "" where it is valid. It reads from the end, and lets the kind be left out."""
    parts = entry.split(":")[::-1]
    invalid = messages.ACL.format(entry)
    if not 2 <= len(parts) <= 4:
        return invalid
    default = len(parts) == 4
    if default and parts[3] not in ("d", "default"):
        return invalid
    kind = ""
    if len(parts) >= 3:
        if parts[2] in ("d", "default"):
            if default:
                return invalid
            default = True
        elif parts[2] in _KINDS:
            kind = _KINDS[parts[2]]
        else:
            return invalid
    kind, name = _named(kind, parts[1])
    if kind in ("mask", "other") and name:
        return invalid
    if not default and kind != "mask" and not name:
        return messages.ACL_BASE.format(entry)
    return _permissions(entry, parts[0])


def _named(kind: str, part: str) -> tuple[str, str]:
    """The kind and the name: mask and other may stand in the place of the name."""
    if part in ("m", "mask", "o", "other"):
        long = _KINDS[part]
        return (kind, long) if kind else (long, "")
    return kind or "user", part


def _permissions(entry: str, text: str) -> str:
    if len(text) == 1 and "0" <= text <= "7":
        return ""
    wrong = next((character for character in text if character not in "rwx-"), "")
    return messages.ACL_CHARACTER.format(entry, wrong) if wrong else ""


def acl_2(entry: str) -> str:
    """What agent 2.x says of an entry; "" where it is valid. It reads from the front; the kind must be there."""
    parts = entry.split(":")
    invalid = messages.ACL.format(entry)
    if not 3 <= len(parts) <= 4:
        return invalid
    default = parts[0] in ("d", "default")
    first = int(default)
    if first >= len(parts) - 2:
        return invalid
    kind, name, permissions = parts[first : first + 3]
    if len(permissions) == 1 and permissions in "89":
        return invalid
    if wrong := _permissions(entry, permissions):
        return wrong
    if kind not in _KINDS or (_KINDS[kind] in ("mask", "other") and name):
        return invalid
    if _KINDS[kind] in ("user", "group") and not default and not name:
        return messages.ACL_BASE.format(entry)
    return ""


def is_default(entry: str) -> bool:
    """Whether an entry is one of the default ACL, which only folders have."""
    parts = entry.split(":")
    return len(parts) >= 3 and parts[0] in ("d", "default")
