"""What leaves the house by itself: e-mail. It carries papers and never decides anything."""
