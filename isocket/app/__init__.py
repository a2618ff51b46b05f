"""The roof: settings, composition, supervision and the command line; the only floor that knows everybody."""
