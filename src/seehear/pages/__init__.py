"""Pages: results as single HTML files, which open from disk and need nothing but a browser."""

from seehear.pages import comparison, evaluation, folder, parse, selection

__all__ = ["comparison", "evaluation", "folder", "parse", "selection"]
