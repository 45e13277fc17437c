"""Files of networks: safetensors, published networks, exports; networks by name."""
