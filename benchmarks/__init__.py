"""What the service costs, measured beside what it cannot beat."""
