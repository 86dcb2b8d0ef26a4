"""What Prometheus is told: of the API itself, and of every other part by way of it."""
