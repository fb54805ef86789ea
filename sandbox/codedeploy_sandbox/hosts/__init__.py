"""The machines behind the instances, and the host probe run on one of them."""
