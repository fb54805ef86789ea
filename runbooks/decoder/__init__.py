"""What a pasted text is about: an error line of any SDK or of the CLI, a stack trace, a record, an agent's log.

What is known of an error comes from botocore's model (`runbooks.catalog`) and from the dictionary of the agent's
log (`runbooks.host`); ``hints.json`` adds what to do, which page, checks and runbook. Nothing is asked of AWS.
"""

from runbooks.decoder.match import explain
from runbooks.decoder.result import Explanation, Known

__all__ = ["Explanation", "Known", "explain"]
