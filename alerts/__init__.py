"""From what sockets report to people who know of it: incidents, messages, and a watch over all that."""
