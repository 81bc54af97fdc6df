"""The engine: plans runs, plays them on several cores and judges them."""
