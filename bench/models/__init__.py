"""Makers of the models that tests and benches use (see ../models.json)."""
