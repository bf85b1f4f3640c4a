"""What the compiled kernels share: how they are compiled, nearest colours, vectors."""
