"""Files that carry networks: safetensors and their cards, published networks, exports; networks by name."""
