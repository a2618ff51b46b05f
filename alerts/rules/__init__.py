"""Pure rules: what reports and the passing of time mean for a device. No store, no clock, no waiting."""
