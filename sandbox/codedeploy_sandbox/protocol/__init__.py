"""Requests and answers on the wire, as botocore's models describe them."""
