"""Pictures as SVG whose colours are the page's: pure functions of the report's numbers."""
