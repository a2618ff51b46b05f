"""The Mosquitto that `isocket up` starts for itself: its configuration, accounts, life and refusals."""
