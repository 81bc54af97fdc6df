"""The fakes alone on ports, for a developer with an application and a debugger."""
