"""Request → run → outcome: reuse, prepare, reserve, submit, wait, fetch; the border between sync and async."""
