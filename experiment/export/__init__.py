"""A trained policy as a file that needs none of this code. Reads runs through
`experiment.evaluate.load`; nothing else imports it."""
