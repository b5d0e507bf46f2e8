"""What a monitoring system is told, in Prometheus's text format."""
