"""The mock server: connexion serves the contract over HTTP, and agents answer the URLs that it hands out."""
