"""The live world: the same fakes, scenarios and journal over real sockets, for anything that speaks HTTP."""
