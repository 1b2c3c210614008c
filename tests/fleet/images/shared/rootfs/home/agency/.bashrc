# Noisy on purpose, also for non-interactive commands: what careless pipes take for data.
echo "Welcome to shared hosting"
