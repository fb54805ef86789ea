"""The facts that checks judge: only these modules call the session's reads.

A fact's parameters are its scope. One that takes only ``aws`` is of the whole account and Region, and is the same for
every instance; one that takes a name or an ARN is of that one thing. A session that remembers asks for each once, so
that a diagnosis of many instances shares all that is not about one of them.
"""
