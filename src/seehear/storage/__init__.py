"""Where files are kept: in folders of this machine, or elsewhere."""
