"""Why a file cannot be read, for whoever named it."""


def unreadable(error: Exception) -> str:
    """Return why, in words that begin small and end without a point, and that do not name the file once more."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
