"""iSocket Cloud: watches mains power and temperature far away, and reaches a person when something is wrong."""
