"""What every layer stands on: the base classes, and what a call goes through."""
