"""Several numbers at once, as values inside kernels; nothing else imports these."""
