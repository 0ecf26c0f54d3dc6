"""Draw the chapter's network with its sizes: a PNG, SVG or PDF by the path's ending.

python examples/draw_network.py docs/images/network.png
"""

import argparse

from penchant.plots import draw_network


def main():
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", default="docs/images/network.png")
    parser.add_argument("--users", type=int, default=943)
    parser.add_argument("--items", type=int, default=1682)
    parser.add_argument("--factors", type=int, default=200)
    options = parser.parse_args()
    draw_network(options.users, options.items, options.factors, options.path)
    print(f"Drawn: {options.path}")


if __name__ == "__main__":
    main()
