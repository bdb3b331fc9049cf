"""What gatewatch needs of its machine and its network, looked at: a topic a file, each giving findings."""
