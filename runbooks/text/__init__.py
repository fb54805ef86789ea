"""Text that is shown: secrets masked, markup made literal, links to the guide."""
