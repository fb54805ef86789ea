"""Register an on-premises instance: check first, show what would be sent, change it only when asked to, undo on failure.

The one part of the package that changes anything. What it may send is fixed when it is prepared: four operations,
for one instance name, with one ARN and the tags that were asked for; the session's guard refuses the rest.
"""

from runbooks.register.changes import allowed_changes
from runbooks.register.execution import carry_out
from runbooks.register.plan import OWN_PREFLIGHT, PREFLIGHT, Registration, prepare

__all__ = ["OWN_PREFLIGHT", "PREFLIGHT", "Registration", "allowed_changes", "carry_out", "prepare"]
