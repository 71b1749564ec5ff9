"""What can be predicted from a network's features alone: the visible class, and the network that made them."""
