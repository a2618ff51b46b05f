"""Two ports, records and telemetry, their adapters, and what is built on them: sealing, leases, workers."""
