"""The wing for what outgrows memory: written, trained on, and the engines that do it."""
