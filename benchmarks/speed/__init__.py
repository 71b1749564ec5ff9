"""How fast each part is: beside the fastest that this machine could be, and beside another way where there is one."""
