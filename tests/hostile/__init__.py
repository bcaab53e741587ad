"""What those try who should not be able to: strangers, other organizations, broken clients."""
