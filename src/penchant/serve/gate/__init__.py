"""Who may ask, how much and how long; what is refused, counted and written down."""
