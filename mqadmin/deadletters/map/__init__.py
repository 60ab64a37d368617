"""The map of a virtual host: where every queue's dead letters go, as a list and as a picture."""
