"""Request to job to result: reuse, submit, wait, fetch, record; and the border between sync and async."""
