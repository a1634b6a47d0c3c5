"""Deterministic training text: stories, tasks, JSON and chat. What generates a text can also check it."""
