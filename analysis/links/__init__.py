"""Links as they were against links as eq. (4) has them: what differs, and what that costs."""
