"""The live world: the same fakes, scenarios and journal over real sockets, for any application that speaks HTTP."""
