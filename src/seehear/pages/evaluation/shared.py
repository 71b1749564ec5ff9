"""What parts of the page share."""

NAME = "evaluation"  # of the page
MAX_ROWS = 300  # of a table, and names of a list; the JSON has all
