"""The checks, a file for each section of the contract, a function for each sentence of it."""
