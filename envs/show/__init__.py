"""What `python -m envs` shows: the catalogue, played games, films, words.

May import every room of `envs`; nothing but `envs.__main__` imports it."""
