"""Reports: pure functions of results. They read, put into words and lay out; they never run, write or print."""
