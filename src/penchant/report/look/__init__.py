"""How the page looks and moves: colours, one style sheet, one script."""
