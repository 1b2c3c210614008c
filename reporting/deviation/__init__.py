"""What people do about a deviation: account for it, accept the account, return it. Pure."""
