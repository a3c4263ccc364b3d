"""Things that are: requests, outlines, lessons, courses, messages, errors. No I/O here."""
