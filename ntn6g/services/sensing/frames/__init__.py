"""A frame from the elements that carry data, over its echoes, to the channel that a receiver estimates."""
