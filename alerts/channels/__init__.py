"""The ways of reaching a person, one module for each provider."""
