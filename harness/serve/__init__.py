"""Only the fakes, on ports, for developing and debugging an application; and the doctor."""
