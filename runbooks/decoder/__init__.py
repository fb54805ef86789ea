"""What a pasted text is about: an error line of any SDK or of the CLI, a stack trace, a record, an agent's log.

``errors.json`` holds what is known, one entry for each page of an error; `tools/errors.py` makes it of the pages'
front matter and of botocore's model. Nothing is asked of AWS.
"""

from runbooks.decoder.match import explain
from runbooks.decoder.result import Explanation, Known
from runbooks.decoder.text import text_of

__all__ = ["Explanation", "Known", "explain", "text_of"]
