"""Files of images and of arrays: which are opened, how they are read, and how they are written."""
