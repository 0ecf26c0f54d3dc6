"""What a user of the library holds: settings, ids and a trained model."""
