"""The use cases: the only place that ties protocol, mapping, store and hooks together."""
