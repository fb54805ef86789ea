"""IAM's decisions: policies, the identities that have them, and whether a request is allowed.

Nothing here knows of a service, of the sandbox's state or of moto.
"""
