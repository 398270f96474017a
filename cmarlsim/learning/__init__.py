"""Learning on arrays of tiles, actions and returns: networks, gradients, policies. It never sees a wall."""
