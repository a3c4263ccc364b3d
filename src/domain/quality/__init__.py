"""What is measured of courses: citations that are verified, and gates, each a pure function with named findings."""
