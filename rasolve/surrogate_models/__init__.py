"""What is learned from tables of measurements and read by problems."""
