"""Running the app: its stores, its processes, its demonstration and its benchmark."""
