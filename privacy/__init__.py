"""Privacy as running code: what is stored and why, and when it goes."""
