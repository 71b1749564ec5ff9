"""Pages: results as single HTML files, which open from disk and need nothing but a browser."""

from seehear.pages import folder, parse

__all__ = ["folder", "parse"]
