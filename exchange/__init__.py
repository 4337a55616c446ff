"""The command that exchanges hashed keys, counts and agreed fields with a partner, by files."""
