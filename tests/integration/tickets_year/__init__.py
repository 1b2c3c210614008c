"""A year of tickets from a seeded script, played through the commands, computed again by code that shares nothing."""
