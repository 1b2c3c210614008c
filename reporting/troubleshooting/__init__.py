"""Activity 8: tickets from their events, what people do to them, minutes per route. Pure; nothing is looked up here."""
