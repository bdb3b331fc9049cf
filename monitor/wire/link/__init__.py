"""Link layers, IP, fragments and tunnels."""
