"""The inspector: a page that shows what the mock remembers, with a telephone in it; built from `source/` with Node."""
