"""What an expression or a setting can be, who chose it, and what holds at a place."""
