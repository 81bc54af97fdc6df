"""Reports: pure functions of results that return text, tables or pages; they never run, write or print."""
