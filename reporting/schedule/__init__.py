"""The unit's plan as systemd timers, a crontab, a workflow; what to run now and what was slept through."""
