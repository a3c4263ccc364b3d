"""The quality of courses: the verification of citations, and gates, each a pure function that yields findings."""
