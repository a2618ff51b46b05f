"""People and programs at their sockets: the JSON API, pages and live events."""
