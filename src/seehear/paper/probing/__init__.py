"""What features of a network can tell, by themselves: which class is seen, and which network made them."""
