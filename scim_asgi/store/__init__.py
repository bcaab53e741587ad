"""Where resources, accounts, tokens, mappings and the provisioning log are kept."""
