"""What seehear does, one verb a file. The command line calls these functions and prints what they return."""
