"""Networks trained by Keras."""
