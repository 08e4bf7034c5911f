"""The words of a request: composing them from parts, advice on them, and splitting them into passes."""
