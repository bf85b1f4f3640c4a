"""What the whole system does with pictures, beside what its engine alone would do."""
