"""What several parts share: generated protocol buffers."""
