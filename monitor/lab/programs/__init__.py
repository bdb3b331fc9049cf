"""The child processes of the lab: servers, clients and floods."""
