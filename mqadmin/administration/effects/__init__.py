"""What an act would touch besides what it is about: asked before it, told in words."""
