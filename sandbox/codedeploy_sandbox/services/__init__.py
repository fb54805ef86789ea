"""The operations that are the sandbox's own, one module per service.

A public function is an operation: its name and its keywords are the model's.
"""
