"""The durable queue on disk: segments, a checkpoint, a lock."""
